"""Models over HTTP: answers that are known by hand, and what happens when a bundle is broken."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from tests.ihas.bundle_factory import GENRES, GROUPS, LOGITS, rows
from tests.service.conftest import Publish, damage, eventually
from tests.service.live import LiveServer


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


def test_a_model_lists_its_versions_and_its_summary(live: LiveServer, publish: Publish) -> None:
    """The newest version first; the summary is the bundle's."""
    publish()
    publish()
    model = live.json("GET", "/v1/models/films")

    assert (model["latest"], model["serving"], model["problem"]) == (2, 2, None)
    assert [version["version"] for version in model["versions"]] == [2, 1]
    assert model["summary"]["chosen"] == "grouped"
    assert [(one["name"], one["version"]) for one in live.json("GET", "/v1/models")["models"]] == [("films", 2)]


def test_a_newer_version_takes_over_by_itself(live: LiveServer, publish: Publish) -> None:
    """Version 1 answers until version 2 is loaded, and can still be asked for."""
    publish()
    assert live.json("POST", "/v1/models/films/score", json={"rows": []})["version"] == 1
    publish()

    eventually(lambda: live.json("POST", "/v1/models/films/score", json={"rows": []})["version"] == 2)
    assert live.json("POST", "/v1/models/films/score?version=1", json={"rows": []})["version"] == 1


def test_an_unknown_version_is_said_to_be(live: LiveServer, publish: Publish) -> None:
    """And the newest is named."""
    publish()
    response = live.http.post("/v1/models/films/score?version=9", json={"rows": []})

    assert (response.status_code, "newest is 1" in response.json()["detail"]) == (404, True)


def test_a_changed_byte_is_refused_and_named(live: LiveServer, publish: Publish) -> None:
    """503 with the file's name; the model and the readiness say so too, and the process lives."""
    names: list[str] = []
    publish(spoil=lambda folder: names.append(damage(folder)))
    response = live.http.post("/v1/models/films/score", json={"rows": []})
    eventually(lambda: live.http.get("/readyz").json().get("type") == "urn:ihas:problem:not-ready")
    ready = live.http.get("/readyz")

    assert response.status_code == 503
    assert response.json()["detail"].startswith(f"Version 1 of model 'films' cannot be used: `{names[0]}`")
    assert names[0] in live.json("GET", "/v1/models/films")["problem"]
    assert (ready.status_code, "films" in ready.json()["errors"][0]["detail"]) == (503, True)
    assert live.http.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "spoil", [shutil.rmtree, lambda folder: (folder / "manifest.json").unlink(), lambda folder: (folder / "more").touch()]
)
def test_a_broken_bundle_says_nothing_of_where_it_lies(
    live: LiveServer, publish: Publish, settings: Settings, spoil: Callable[[Path], object]
) -> None:
    """Folder gone, a file gone, a file too many: model and version are named, the machine's folders are not."""
    publish(spoil=spoil)
    eventually(lambda: live.http.get("/readyz").json().get("type") == "urn:ihas:problem:not-ready")
    answers = [live.http.post("/v1/models/films/score", json={"rows": []}), live.http.get("/readyz"), live.http.get("/v1/models/films")]

    assert all("Version 1 of model 'films'" in answer.text for answer in answers)
    assert not any(str(settings.folder) in answer.text or "searches/" in answer.text for answer in answers)


def test_before_a_broken_version_the_older_one_keeps_serving(live: LiveServer, publish: Publish) -> None:
    """Whether it was loaded before or is loaded now, the older version answers, and the service stays ready."""
    publish()
    publish(spoil=damage)

    assert live.json("POST", "/v1/models/films/score", json={"rows": []})["version"] == 1
    eventually(lambda: live.http.get("/readyz").json().get("models") == {"films": 1})
    assert live.http.post("/v1/models/films/score?version=2", json={"rows": []}).status_code == 503


def test_many_callers_get_the_same_answers(live: LiveServer, publish: Publish) -> None:
    """Eight threads that ask while nothing is loaded yet all get the hand-calculated score."""
    publish()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(live.json, "POST", "/v1/models/films/score", json={"rows": rows()[:1]}) for _ in range(40)]
        scores = {round(one.result()["scores"][0]["logit"], 4) for one in asked}

    assert scores == {LOGITS["ada"]["m1"]}
