"""A model carried on with newer rows, over HTTP, with children that learn nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ihas_service.auth.scopes import Scope
from ihas_service.http.examples import searches
from ihas_service.settings import Settings
from ihas_service.storage.job import REFRESH
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish, RunningWorker, add_table, finished
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

PATH = "/v1/models/films/refresh"


def with_run(publish: Publish) -> Path:
    """The run folder of a version, with what a finished run of the kind grouped leaves."""
    run = publish().parent
    (run / "stages" / "data-0123456789abcdef").mkdir(parents=True)
    (run / "recipe.json").write_text("{}")
    (run / "result.json").write_text("{}")
    return run


@pytest.fixture
def newer(store: SqlStore, table: str) -> str:
    """Id of another valid data set."""
    dataset_id = add_table(store, table)
    while (job := store.claim("check", 60.0, 1)) is not None:
        store.accept_dataset(job.id, job.token, searches.REPORT)
    return dataset_id


def _asked(live: LiveServer, dataset_id: str, expected: int = 202, **options: Any) -> Any:
    answer = live.http.post(PATH, json={"dataset_id": dataset_id, **options})
    assert answer.status_code == expected, answer.text
    return answer.json()


def test_a_refresh_registers_the_next_version_with_its_lineage(
    live: LiveServer, store: SqlStore, settings: Settings, publish: Publish, newer: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is followed like a search, names the version that it came of, and the model has one version more; asked with the same key, it is
    the same refresh."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    run = with_run(publish)
    answer = live.http.post(PATH, json={"dataset_id": newer, "settings": {"epochs": 1}}, headers={"idempotency-key": "monday"})
    again = live.http.post(PATH, json={"dataset_id": newer, "settings": {"epochs": 1}}, headers={"idempotency-key": "monday"})
    other = live.http.post(PATH, json={"dataset_id": newer}, headers={"idempotency-key": "monday"})
    job_id = answer.json()["id"]
    with RunningWorker(settings):
        job = finished(store, job_id)
    lineage = live.json("GET", "/v1/models/films/versions/2")

    assert (answer.status_code, answer.json()["kind"], job_id[:3]) == (202, "refresh", "rf_")
    assert answer.headers["location"] == f"/v1/searches/{job_id}"
    assert (again.json()["id"], other.status_code) == (job_id, 422)
    assert (job.state, job.model_version) == ("succeeded", 2), job.error
    asked = {"source": run.name, "version": 1, "point": None}
    assert asked.items() <= job.settings["refresh"].items()
    assert job.settings["refresh"]["settings"]["epochs"] == 1
    assert (lineage["refreshed_from"], lineage["search_id"], lineage["dataset_id"]) == (1, job_id, newer)
    assert live.json("GET", "/v1/models/films/versions/1")["refreshed_from"] is None
    assert [one["id"] for one in live.json("GET", "/v1/searches")["searches"]] == [job_id, run.name]
    assert live.json("GET", f"/v1/searches/{job_id}/result")["name"] == "refreshed"
    assert live.http.get(f"/v1/searches/{job_id}/report").status_code == 200
    assert live.http.delete(f"/v1/searches/{job_id}").status_code == 409


@pytest.mark.parametrize(
    ("asked", "gates", "candidate", "serves", "met"),
    [
        ({"auto_promote": "passing"}, "passed", False, 2, True),
        ({"auto_promote": "passing"}, "failed", True, 1, False),
        ({"auto_promote": "never"}, "passed", True, 1, True),
        ({}, "passed", True, 1, True),
    ],
)
def test_a_refreshed_version_serves_if_it_may_and_meets_its_gates(
    live: LiveServer,
    store: SqlStore,
    settings: Settings,
    publish: Publish,
    newer: str,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, Any],
    gates: str,
    candidate: bool,
    serves: int,
    met: bool,
) -> None:
    """As one of a search does: unasked it waits, and so it does where it fails; what its gates said is kept."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    monkeypatch.setenv("IHAS_TEST_GATES", gates)
    with_run(publish)
    with RunningWorker(settings):
        job = finished(store, _asked(live, newer, **asked)["id"])
    made = store.versions("films")[0]
    served = store.serving_version("local", "films")

    assert (job.state, job.model_version, made.facts["refreshed_from"]) == ("succeeded", 2, 1), job.error
    assert made.gates is not None
    assert (made.candidate, made.gates["passed"], served is not None and served.version) == (candidate, met, serves)


def test_a_refresh_carries_on_what_serves(
    live: LiveServer, store: SqlStore, settings: Settings, publish: Publish, newer: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A candidate that failed its gates is newer, and is not carried on unless it is named; where nothing serves, the newest is."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    monkeypatch.setenv("IHAS_TEST_GATES", "failed")
    with_run(publish)
    with RunningWorker(settings):
        finished(store, _asked(live, newer, auto_promote="passing")["id"])

    def of(**options: Any) -> int:
        return int(store.job(_asked(live, newer, **options)["id"]).settings["refresh"]["version"])

    run = settings.folder / "searches" / store.versions("films")[0].job_id
    (run / "stages" / "data-0123456789abcdef").mkdir(parents=True, exist_ok=True)
    for name in ("recipe.json", "result.json"):
        (run / name).write_text("{}")
    assert (of(), of(version=2)) == (1, 2)
    live.json("POST", "/v1/models/films/rollback", json={"to": "none"})
    assert of() == 2


def test_an_unknown_mode_of_promotion_is_refused(live: LiveServer, publish: Publish, newer: str) -> None:
    """With 422, before a job is made."""
    with_run(publish)
    assert "auto_promote" in str(_asked(live, newer, 422, auto_promote="always"))


@pytest.mark.parametrize("gone", ["stages", "recipe.json", "result.json"])
def test_a_version_whose_run_is_gone_cannot_be_refreshed(live: LiveServer, publish: Publish, newer: str, gone: str) -> None:
    """The refusal says what is missing and what to do instead; nothing is queued."""
    run = with_run(publish)
    place = run / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    detail = _asked(live, newer, 409)["detail"]

    assert "Run a search on the newer rows" in detail
    assert str(run) not in detail
    assert len(live.json("GET", "/v1/searches")["searches"]) == 1


def test_a_run_that_goes_meanwhile_fails_the_refresh_in_words(
    live: LiveServer, store: SqlStore, settings: Settings, publish: Publish, newer: str
) -> None:
    """Between the request and the worker the run was removed: the refresh fails with the child's reason, and no version is made."""
    run = with_run(publish)
    job_id = _asked(live, newer)["id"]
    shutil.rmtree(run / "stages")
    (run / "result.json").unlink()
    with RunningWorker(settings):
        job = finished(store, job_id)

    assert job.error is not None
    assert (job.state, job.error["detail"]) == ("failed", "The run to carry on is gone.")
    assert len(live.json("GET", "/v1/models/films")["versions"]) == 1


def test_what_cannot_be_refreshed_is_refused_with_its_place(live: LiveServer, publish: Publish, newer: str) -> None:
    """No such model, version or data set; settings out of range, of another type, not finite, or unknown."""
    with_run(publish)
    unknown = live.http.post("/v1/models/nothing/refresh", json={"dataset_id": newer})
    refused = [
        live.http.post(PATH, content=f'{{"dataset_id": "{newer}", "settings": {settings}}}', headers={"content-type": "application/json"})
        for settings in ('{"epochs": 0}', '{"epochs": "2"}', '{"shrink": NaN}', '{"shrink": 1.5}', '{"nothing": 1}', "[]")
    ]

    assert unknown.status_code == 404
    assert _asked(live, newer, 422, version=7)["detail"].startswith("Model 'films' has no version 7")
    assert _asked(live, "ds_nothing", 404)["detail"] == "There is no data set 'ds_nothing'."
    assert {answer.status_code for answer in refused} <= {400, 422}
    assert live.http.post(PATH, content=b"dataset_id=x", headers={"content-type": "text/plain"}).status_code == 415


def test_a_model_that_is_refreshed_is_not_deleted(live: LiveServer, store: SqlStore, publish: Publish, newer: str) -> None:
    """While a refresh waits, deleting the model, its search's data or the refresh itself is refused; cancelled, it can go."""
    with_run(publish)
    job_id = _asked(live, newer)["id"]
    detail = live.http.delete("/v1/models/films").json()["detail"]
    data = live.http.delete(f"/v1/datasets/{newer}")
    live.json("POST", f"/v1/searches/{job_id}/cancel")
    deleted = live.http.delete(f"/v1/searches/{job_id}")

    assert f"refresh {job_id} (queued) makes its next version" in detail
    assert (data.status_code, f"refresh {job_id}" in data.json()["detail"]) == (409, True)
    assert deleted.status_code == 200
    assert store.jobs(REFRESH, None, 9) == []


def test_another_tenants_model_and_data_do_not_exist(guarded: LiveServer, new_headers: NewKey, publish: Publish, newer: str) -> None:
    """Neither can be named by another tenant's key, nor by one without the scope for searches."""
    with_run(publish)
    body = {"dataset_id": newer}
    theirs = guarded.http.post(PATH, json=body, headers=new_headers("acme"))
    weak = guarded.http.post(PATH, json=body, headers=new_headers(scopes=frozenset({Scope.SCORE})))
    ours = guarded.http.post(PATH, json=body, headers=new_headers())
    watched = guarded.http.get(f"/v1/searches/{ours.json()['id']}", headers=new_headers("acme"))

    assert (theirs.status_code, weak.status_code, ours.status_code, watched.status_code) == (404, 403, 202, 404)
