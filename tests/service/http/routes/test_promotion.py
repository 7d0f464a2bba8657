"""New versions wait for a person or their gates, over HTTP; and a model may have no version that serves."""

from __future__ import annotations

from typing import Any

import pytest

from ihas.results.gates import Gate, GatesVerdict
from ihas_service.settings import Settings
from ihas_service.storage.promotion_settings import Release
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.bundle_factory import rows
from tests.service.conftest import Publish, RunningWorker, eventually, finished
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

MODEL = "/v1/models/films"
FAILED = GatesVerdict(passed=False, gates=(Gate(name="auc", passed=False, detail="Lower end -0.0200."),), champion=1, rows=9)


def answering(live: LiveServer) -> int | str:
    """Version that answers, or what is said instead."""
    response = live.http.post(f"{MODEL}/score", json={"rows": rows()[:1]})
    return int(response.json()["version"]) if response.is_success else str(response.json()["detail"])


def post(live: LiveServer, what: str, **body: Any) -> Any:
    """The answer's status and document."""
    response = live.http.post(f"{MODEL}/{what}", json=body)
    return response.status_code, response.json()


def test_a_second_version_answers_once_it_is_promoted(live: LiveServer, publish: Publish) -> None:
    """Until then it can be asked for by its number, and the list of versions says what it is."""
    publish(release=Release("first"))
    publish(release=Release("first", FAILED))
    assert answering(live) == 1
    asked = live.json("POST", f"{MODEL}/score?version=2", json={"rows": rows()[:1]})
    listed = live.json("GET", MODEL)

    assert (asked["version"], listed["latest"], listed["serving"]) == (2, 2, 1)
    assert [(one["candidate"], one["gates_passed"]) for one in listed["versions"]] == [(True, False), (False, None)]
    post(live, "promote", version=2)
    assert answering(live) == 2


def test_what_the_gates_said_is_told(live: LiveServer, publish: Publish) -> None:
    """Of a version that has a verdict, of one that has none, and of one that there is not."""
    publish()
    publish(release=Release("first", FAILED))
    found = live.json("GET", f"{MODEL}/versions/2/gates")

    assert (found["passed"], found["candidate"], found["champion"], found["rows"]) == (False, True, 1, 9)
    assert found["gates"] == [{"name": "auc", "passed": False, "detail": "Lower end -0.0200."}]
    assert live.json("GET", f"{MODEL}/versions/1/gates")["passed"] is None
    assert live.http.get(f"{MODEL}/versions/3/gates").status_code == 404


def test_a_person_may_promote_what_failed_and_is_told(live: LiveServer, publish: Publish) -> None:
    """With `require_gates` it is refused instead, and so is a version whose gates nobody evaluated."""
    publish()
    publish(release=Release("passing", FAILED))
    refused, unknown = post(live, "promote", version=2, require_gates=True), post(live, "promote", version=1, require_gates=True)
    status, told = post(live, "promote", version=2)

    assert (refused[0], unknown[0], status, answering(live)) == (409, 409, 200, 2)
    assert "Version 2 of model 'films' failed gates. auc: Lower end -0.0200." in refused[1]["detail"]
    assert "No gates were evaluated when version 1" in unknown[1]["detail"]
    assert told["warning"] == "Version 2 of model 'films' failed gates. auc: Lower end -0.0200."
    assert "warning" not in post(live, "promote", version=1)[1]


def test_a_model_without_a_version_that_serves_says_so(live: LiveServer, publish: Publish, settings: Settings) -> None:
    """Its first version is a candidate; the service is ready, and so is one that starts on it."""
    publish(release=Release("never"))
    with LiveServer(settings) as second:
        eventually(lambda: second.http.get("/readyz").status_code == 200)
        for one in (live, second):
            assert answering(one) == (
                "No version of model 'films' serves: its versions are candidates. "
                'Promote one, such as the newest: POST /v1/models/films/promote with {"version": 1}.'
            )
    shown = live.json("GET", MODEL)
    assert (shown["serving"], "its versions are candidates" in shown["problem"]) == (None, True)
    post(live, "promote", version=1)
    assert answering(live) == 1


def test_rollback_to_none_and_to_a_version(live: LiveServer, publish: Publish) -> None:
    """With a history, in which none is a step; a version that does not exist is refused and changes nothing."""
    for _ in range(3):
        publish()
    none = post(live, "rollback", to="none", reason="Clicks fell to nothing.")
    assert none == (200, {"alias": "champion", "version": None, "revision": 1})
    assert str(answering(live)).startswith("No version of model 'films' serves: it was rolled back to none.")
    assert live.http.get("/readyz").status_code == 200
    assert live.http.get("/v2/models/films/ready").status_code == 409
    back, named = post(live, "rollback"), post(live, "rollback", to=1)
    wrong = post(live, "rollback", to=9)

    assert (back[1]["version"], named[1]["version"], answering(live)) == (3, 1, 1)
    assert (wrong[0], wrong[1]["errors"][0]["pointer"]) == (422, "/to")
    assert [post(live, "rollback", to=odd)[0] for odd in ("nothing", 0, -1, 1.5, True)] == [422] * 5
    changes = live.json("GET", f"{MODEL}/aliases/champion/history")["changes"]
    assert [(one["version"], one["kind"]) for one in changes] == [(1, "rollback"), (3, "rollback"), (None, "rollback")]
    assert live.json("GET", f"{MODEL}/traffic")["champion"] == 1


def test_settings_are_read_and_changed(guarded: LiveServer, publish: Publish, new_headers: NewKey) -> None:
    """By the model's tenant alone, bound by bound, with `ETag` and `If-Match`; what means nothing is refused."""
    publish()
    mine, other = new_headers(), new_headers("acme")
    path = f"{MODEL}/promotion"
    default = guarded.json("GET", path, headers=mine)
    body = {"auto_promote": "passing", "gates": {"auc_tolerance": 0.001}}
    put = guarded.http.put(path, json=body, headers={**mine, "if-match": '"0"'})
    stale = guarded.http.put(path, json=body, headers={**mine, "if-match": '"0"'})

    assert (default["auto_promote"], default["by_default"], default["changed_at"]) == ("first", True, None)
    assert (put.status_code, put.headers["etag"], put.json()["gates"]["auc_tolerance"], stale.status_code) == (200, '"1"', 0.001, 412)
    assert guarded.json("GET", path, headers=mine)["auto_promote"] == "passing"
    assert [guarded.http.request(method, path, headers=other, json=body).status_code for method in ("GET", "PUT")] == [404, 404]
    for wrong in ({"auto_promote": "always"}, {"gates": {"latency_ratio": 0}}, {"gates": {"auc_tolerance": float("inf")}}, {"gates": 3}):
        assert guarded.http.put(path, content=str(wrong).replace("'", '"'), headers={**mine, "content-type": "application/json"}).is_error


@pytest.mark.parametrize(("stated", "said", "serving"), [("passing", "passed", 2), ("passing", "failed", 1), (None, "passed", 1)])
def test_a_search_says_how_its_version_is_released(
    live: LiveServer,
    settings: Settings,
    store: SqlStore,
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
    stated: str | None,
    said: str,
    serving: int,
) -> None:
    """From the request to the worker, which has the gates evaluated by a child, to what answers."""
    monkeypatch.setenv("IHAS_TEST_GATES", said)
    folder = publish()
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(folder))
    body = {"name": "films", "dataset_id": store.datasets(None, 1)[0].id, **({} if stated is None else {"auto_promote": stated})}
    search = live.json("POST", "/v1/searches", json=body)
    with RunningWorker(settings):
        assert finished(store, search["id"]).model_version == 2
    eventually(lambda: answering(live) == serving)

    assert live.json("GET", f"{MODEL}/versions/2/gates")["gates"][0]["detail"] == f"The difference has {said}."
    assert answering(live) == serving
