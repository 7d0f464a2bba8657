"""Score and recommend over HTTP: answers that are known by hand, and what is refused."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ihas_service.http.bodies import INLINE_BYTES
from ihas_service.http.middleware.compute_threads import Threads
from ihas_service.models.microbatch import MAX_ROWS
from tests.ihas.bundle_factory import GENRES, GROUPS, LOGITS, rows
from tests.service.conftest import Publish
from tests.service.http.routes.test_events import summed
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def test_rows_get_the_scores_of_the_hand_calculation(live: LiveServer, publish: Publish) -> None:
    """Six rows, two groups: score = sigmoid(logit)."""
    publish()
    answer = live.json("POST", "/v1/models/films/score", json={"rows": rows()})

    expected = [1.0 / (1.0 + math.exp(-logit)) for user in LOGITS for logit in LOGITS[user].values()]
    assert [scored["score"] for scored in answer["scores"]] == pytest.approx(expected, abs=1e-6)
    assert [scored["group"] for scored in answer["scores"]] == [GROUPS[user] for user in LOGITS for _ in LOGITS[user]]
    assert (answer["model"], answer["version"]) == ("films", 1)


def test_no_rows_get_no_scores(live: LiveServer, publish: Publish) -> None:
    """An empty list is a list."""
    publish()

    assert live.json("POST", "/v1/models/films/score", json={"rows": []})["scores"] == []


def test_the_best_items_come_first_and_say_why(live: LiveServer, publish: Publish) -> None:
    """For ada m1 beats m2; every answer has a name of its own."""
    publish()
    request: dict[str, Any] = {"context": {"user": "ada"}, "k": 2, "explain": True}
    answers = [live.json("POST", "/v1/models/films/recommend", json=request) for _ in range(2)]

    assert [item["id"] for item in answers[0]["items"]] == ["m1", "m2"]
    assert (answers[0]["num_scored"], answers[0]["version"]) == (len(GENRES), 1)
    assert all(item["explanation"]["sentence"] for item in answers[0]["items"])
    assert answers[0]["recommendation_id"] != answers[1]["recommendation_id"]


def test_groups_by_sums_say_why(live: LiveServer, publish: Publish) -> None:
    """ada with m1 is 2140 units ahead of group 1: 2048 for her, 156 for the genres, 64 against in every row; scores stay as they were."""
    publish(spoil=summed)
    (item,) = live.json("POST", "/v1/models/films/recommend", json={"context": {"user": "ada"}, "k": 1, "explain": True})["items"]
    why = item["explanation"]

    assert (item["id"], item["group"]) == ("m1", 0)
    assert item["score"] == pytest.approx(1.0 / (1.0 + math.exp(-LOGITS["ada"]["m1"])), abs=1e-6)
    assert (why["runner_up"], why["margin"], why["group_bias"]) == (1, 2140 / 1024, -64 / 1024)
    assert why["group_contributions"] == {"user": 2.0, "genres": 156 / 1024, "movie": 0.0}
    assert why["group_scores"] == [1103 / 1024, -1037 / 1024]
    assert (why["distances"], why["gates_open"]) == ([], {})


def test_candidates_and_exclusions_are_obeyed(live: LiveServer, publish: Publish) -> None:
    """Unknown candidates are named, excluded ones are absent."""
    publish()
    request = {"context": {"user": "ada"}, "candidates": ["m1", "m3", "m9"], "exclude": ["m1"]}
    answer = live.json("POST", "/v1/models/films/recommend", json=request)

    assert ([item["id"] for item in answer["items"]], answer["unknown_candidates"]) == (["m3"], ["m9"])


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("score", {"rows": [{"user": "ada"}, {"colour": "red"}]}, "/rows/1/colour"),
        ("recommend", {"context": {"colour": "red"}}, "/context/colour"),
        ("recommend", {"context": {"movie": "m1"}}, "/context/movie"),
        ("recommend", {"k": 0}, "/k"),
        ("recommend", {"candidates": []}, "/candidates"),
    ],
)
def test_a_request_that_cannot_be_answered_is_pointed_at(
    live: LiveServer, publish: Publish, path: str, body: dict[str, Any], pointer: str
) -> None:
    """Unknown fields, an item's field in the context, k = 0, no candidates: 422, and the place."""
    publish()
    response = live.http.post(f"/v1/models/films/{path}", json=body)

    assert response.status_code == 422, response.text
    assert [part["pointer"] for part in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize("copies", [1, MAX_ROWS // 6, MAX_ROWS])
def test_few_rows_and_many_get_the_same_scores(live: LiveServer, publish: Publish, copies: int) -> None:
    """Whether rows are scored in the event loop or in a thread, with reasons or without, each gets its logit and group."""
    publish()
    plain = live.json("POST", "/v1/models/films/score", json={"rows": rows() * copies})["scores"]
    explained = live.json("POST", "/v1/models/films/score", json={"rows": rows() * min(copies, 16), "explain": True})["scores"]
    logits = [logit for movies in LOGITS.values() for logit in movies.values()]

    assert [scored["logit"] for scored in plain] == pytest.approx(logits * copies)
    assert [scored["logit"] for scored in explained] == pytest.approx(logits * min(copies, 16))
    assert all(scored["explanation"] is None for scored in plain)
    assert all(scored["explanation"]["sentence"] for scored in explained)


def test_rows_of_sixteen_clients_at_once_do_not_mix(live: LiveServer, publish: Publish) -> None:
    """Requests that are scored together, good and bad ones among each other, get each its own answer."""
    publish()
    live.json("POST", "/v1/models/films/score", json={"rows": []})
    logits = [logit for movies in LOGITS.values() for logit in movies.values()]

    def ask(number: int) -> Any:
        row: dict[str, Any] = dict(rows()[number % 6]) if number % 7 else {"colour": number}
        return live.http.post("/v1/models/films/score", json={"rows": [row]})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(320)))

    for number, answer in enumerate(answers):
        if number % 7 == 0:
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/rows/0/colour")
        else:
            assert answer.json()["scores"][0]["logit"] == pytest.approx(logits[number % 6])


@pytest.mark.parametrize("version", ["0", "x", "1.5", str(2**31)])
def test_a_version_that_is_none_is_refused(live: LiveServer, publish: Publish, version: str) -> None:
    """The query parameter is named; other parameters are nobody's business."""
    publish()
    answer = live.http.post(f"/v1/models/films/score?version={version}", json={"rows": []})

    assert answer.status_code == 422
    assert [part["parameter"] for part in answer.json()["errors"]] == ["version"]
    assert live.http.post("/v1/models/films/score?colour=red", json={"rows": []}).status_code == 200


@pytest.mark.parametrize("path", ["score", "recommend"])
def test_what_is_no_json_is_refused(live: LiveServer, publish: Publish, path: str) -> None:
    """Another media type 415, a broken body 400, another method 405, an unknown model 404: problem documents all."""
    publish()
    url, json_type = f"/v1/models/films/{path}", {"content-type": "application/json"}
    answers = {
        415: live.http.post(url, content="rows", headers={"content-type": "text/plain"}),
        400: live.http.post(url, content="{", headers=json_type),
        405: live.http.get(url),
        404: live.http.post(f"/v1/models/none/{path}", json={"rows": []} if path == "score" else {}),
    }

    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers.values())
    other_json = live.http.post(url, content='{"rows": []}' if path == "score" else "{}", headers={"content-type": "application/x+json"})
    assert other_json.is_success


def test_routes_are_counted_by_their_pattern(live: LiveServer, publish: Publish) -> None:
    """The figures name the pattern of the path, not the model."""
    publish()
    live.json("POST", "/v1/models/films/score", json={"rows": []})

    assert 'ihas_requests_total{method="POST",route="/v1/models/{name}/score",status="200"} 1.0' in live.http.get("/metrics").text


def test_filters_and_diversity_over_http(live: LiveServer, publish: Publish) -> None:
    """A filter and a diversity are obeyed; a filter that goes wrong is pointed at, with the column."""
    publish()
    path = "/v1/models/films/recommend"
    request = {"context": {"user": "ada"}, "filter": "not genres is missing", "diversity": {"field": "genres", "at_most": 1}}
    assert [item["id"] for item in live.json("POST", path, json=request)["items"]] == ["m1"]

    refused = live.http.post(path, json={"filter": "genre has 'drama'"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/filter"
    assert "Column 1" in refused.json()["detail"] + refused.json()["errors"][0]["detail"]


def test_a_large_row_is_read_outside_the_event_loop(live: LiveServer, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row may be megabytes: other requests are answered while it is read."""
    publish()
    in_threads: list[object] = []
    run = Threads.run

    async def watched(threads: Threads, scope: Any, function: Any, *arguments: Any) -> Any:
        in_threads.append(function)
        return await run(threads, scope, function, *arguments)

    monkeypatch.setattr(Threads, "run", watched)
    for length, ways in ((2, 0), (INLINE_BYTES, 2)):
        genres = "|" * length
        live.json("POST", "/v1/models/films/score", json={"rows": [{"user": "ada", "genres": genres}]})
        live.json("POST", "/v1/models/films/recommend", json={"context": {"user": "a" * length}})
        assert len(in_threads) == ways


@pytest.mark.parametrize("digits", ["9" * 5_000 + ".0", "-" + "1" * 5_000 + ".0", "9" * 5_000])
def test_a_number_of_any_length_is_an_unknown_value(live: LiveServer, publish: Publish, digits: str) -> None:
    """As every other text that the model does not know."""
    publish()
    row = {"user": digits, "genres": [digits]}
    (scored,) = live.json("POST", "/v1/models/films/score", json={"rows": [row]})["scores"]
    excluded = live.json("POST", "/v1/models/films/recommend", json={"context": {"user": digits}, "exclude": [digits]})

    assert [one["field"] for one in scored["unknown_values"]] == ["user", "genres"]
    assert len(excluded["items"]) == len(GENRES)
