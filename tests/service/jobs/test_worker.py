"""The worker brings jobs to an end, whatever happens to it or to its child."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest
import structlog

from ihas_service.jobs.child import GRACE_S
from ihas_service.jobs.runs import PIPELINES
from ihas_service.jobs.watch import LOOK_S
from ihas_service.jobs.worker import Worker
from ihas_service.settings import Settings
from ihas_service.states import STAGE_OF_OLD_STATE, JobStage, JobState
from ihas_service.storage.catalogue import DatasetState, NewDataset, Upload
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import RunningWorker, add_table, eventually, finished, submitted
from tests.service.jobs.work import alive, children, run_folder, searching

pytestmark = pytest.mark.full

CANCEL_S = 2.0
BUG = """
import sys
from pathlib import Path
from ihas_pipelines.runs.child import ChildReport, error_document
from ihas_pipelines.runs.progress import Progress
if sys.argv[2] == "inspect":
    print('{"outcome": "succeeded", "report": {}}')
else:
    try:
        try:
            open(sys.argv[4] + ".gone")
        except OSError as error:
            raise RuntimeError("nobody thought of this") from error
    except RuntimeError as error:
        document = error_document(error)
        ChildReport()(Progress(stage="reading", message=document["detail"], fraction=0.1, outcome="failed", error=document))
"""


def test_a_search_runs_to_a_registered_model(store: SqlStore, settings: Settings, table: str) -> None:
    """Every stage shows as an event, and the bundle becomes version 1 of its name."""
    job = submitted(store, table)
    with RunningWorker(settings):
        done = finished(store, job.id)

    events = store.events(job.id, 0, 100)
    assert [str(event.state) for event in events] == ["queued", *["running"] * 6, "succeeded"]
    assert [event.stage for event in events[1:-1]] == [JobStage.READING, *STAGE_OF_OLD_STATE.values()]
    assert (done.state, done.model_version, done.fraction) == (JobState.SUCCEEDED, 1, 1.0)
    assert [version.path for version in store.versions("films")] == [f"searches/{job.id}/bundle"]


def test_a_bundle_that_cannot_be_loaded_is_no_version(store: SqlStore, settings: Settings, table: str) -> None:
    """It is loaded by a child before it is registered; the search fails and says why, without the service's folder."""
    job = submitted(store, table, "unusable")
    with RunningWorker(settings):
        done = finished(store, job.id)

    told = "The bundle of the run cannot be used, so it is no version: graph.onnx loops."
    assert (done.state, done.error) == (JobState.FAILED, {"code": "bundle", "detail": told})
    assert store.versions("unusable") == []


def test_the_child_gets_the_recipe_and_a_low_priority(store: SqlStore, settings: Settings, table: str) -> None:
    """The recipe names the model and the file; the child is nice to the API."""
    job = submitted(store, table)
    with RunningWorker(settings):
        finished(store, job.id)

    recipe = json.loads((run_folder(settings, job.id) / "recipe.json").read_text())
    assert (recipe["name"], recipe["data"]["path"]) == ("films", table)
    assert [nice for _, nice in children(settings, job.id)] == [os.nice(0) + 10]


def test_a_good_data_set_becomes_valid(store: SqlStore, settings: Settings, table: str) -> None:
    """Its report counts two rows."""
    dataset_id = add_table(store, table)
    with RunningWorker(settings):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.state is DatasetState.VALID
    assert (dataset.report or {})["rows"] == 2


def test_a_bad_data_set_becomes_invalid_and_says_where(store: SqlStore, settings: Settings, table: str) -> None:
    """Its error keeps row and column."""
    Path(table).write_text("nonsense\n")
    dataset_id = add_table(store, table)
    with RunningWorker(settings):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.state is DatasetState.INVALID
    assert [(finding["row"], finding["column"]) for finding in (dataset.error or {})["findings"]] == [(2, "click")]


def test_a_label_that_is_no_click_makes_a_data_set_invalid(store: SqlStore, settings: Settings, table: str) -> None:
    """The real `python -m ihas_pipelines inspect` names the 2 in row 3, in the error as in the report."""
    Path(table).write_text("click,user\n0,ada\n1,bob\n2,eve\n")
    dataset_id = store.add_dataset(NewDataset("clicks", {"columns": {"label": "click"}}, path=table)).id
    with RunningWorker(settings, PIPELINES):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.error is not None
    assert (dataset.state, dataset.error["code"], (dataset.report or {})["rows"]) == (DatasetState.INVALID, "data", 3)
    assert [(finding["row"], finding["column"]) for finding in dataset.error["findings"]] == [(3, "click")]
    assert "row 3, column `click`" in dataset.error["detail"]


def test_a_run_that_fails_is_not_tried_again(store: SqlStore, settings: Settings, table: str) -> None:
    """What the child says is the reason is the reason, and what it wrote to standard error is in the log."""
    job = submitted(store, table, "bad")
    with RunningWorker(settings):
        done = finished(store, job.id)

    assert (done.state, done.attempt) == (JobState.FAILED, 1)
    assert done.error == {"code": "data", "detail": "No clicks.", "findings": []}
    assert (run_folder(settings, job.id) / "log.txt").read_text() == "the label is broken\n"


def test_a_child_that_is_killed_is_tried_again_and_fails_in_the_end(store: SqlStore, settings: Settings, table: str) -> None:
    """Three children are killed; the reason names the signal and where to look, and the log alone has what the child wrote."""
    job = submitted(store, table, "crash")
    with RunningWorker(settings), structlog.testing.capture_logs() as logged:
        done = finished(store, job.id)
    last = [line["log"] for line in logged if line["event"] == "the child died" and line["job"] == job.id][-1]

    assert (done.state, done.attempt, len(children(settings, job.id))) == (JobState.FAILED, 3, 3)
    assert done.error == {
        "code": "crash",
        "detail": f"The run ended on signal 9 (SIGKILL) before it was finished. See the worker's log of job {job.id}.",
    }
    assert last.count("out of memory") == (run_folder(settings, job.id) / "log.txt").read_text().count("out of memory") == 3


def test_a_run_that_lost_its_machines_goes_on_in_another_attempt(store: SqlStore, settings: Settings, table: str) -> None:
    """Each loss costs an attempt; the third child goes on after the stage that the first one finished."""
    job = submitted(store, table, "machines")
    with RunningWorker(settings):
        done = finished(store, job.id)
    began = [event.message for event in store.events(job.id, 0, 100) if event.message.endswith(" began")]

    assert (done.state, done.attempt, len(children(settings, job.id))) == (JobState.SUCCEEDED, 3, 3)
    assert (began.count("validating began"), began.count("searching began")) == (1, 3)


def test_a_run_that_loses_its_machines_each_time_fails_and_says_so(store: SqlStore, settings: Settings, table: str) -> None:
    """The error is the last child's."""
    job = submitted(store, table, "machines")
    with RunningWorker(settings.model_copy(update={"max_attempts": 2})):
        done = finished(store, job.id)

    detail = "The Ray head at 10.0.0.5:6379 has been gone for more than 10 s."
    assert (done.state, done.attempt, done.error) == (JobState.FAILED, 2, {"code": "machine", "detail": detail})


def test_a_bug_in_a_run_says_its_kind_and_the_job_and_no_path(store: SqlStore, settings: Settings, table: str) -> None:
    """A child that meets an error that nobody raises on purpose: what is told over HTTP has no path, the log has the traceback."""
    job = submitted(store, table)
    recipe = run_folder(settings, job.id) / "recipe.json"
    with RunningWorker(settings, (sys.executable, "-c", BUG, str(settings.folder))):
        done = finished(store, job.id)

    detail = f"The run ended with an unexpected RuntimeError. See the worker's log of job {job.id}."
    assert done.error == {"code": "internal", "detail": detail}
    assert not any(str(settings.folder) in event.message for event in store.events(job.id, 0, 100))
    assert f"No such file or directory: '{recipe}.gone'" in (run_folder(settings, job.id) / "log.txt").read_text()


def test_an_upload_is_called_by_its_data_sets_name(store: SqlStore, settings: Settings) -> None:
    """The real check of an upload that is no table speaks of 'clicks', not of the file that it was written to."""
    dataset = store.add_dataset(NewDataset("clicks", {}))
    path = f"datasets/{dataset.id}/upload-0123456789abcdef.csv"
    (settings.folder / path).parent.mkdir(parents=True)
    (settings.folder / path).write_bytes(b"")
    store.receive_upload(dataset.id, Upload(path, 0, ""))
    with RunningWorker(settings, PIPELINES):
        eventually(lambda: store.dataset(dataset.id).state is not DatasetState.VALIDATING)
    error = store.dataset(dataset.id).error

    assert error is not None
    assert error["detail"].startswith("Data set 'clicks' cannot be read")
    assert not any(word in json.dumps(error) for word in ("upload-", str(settings.folder)))


def test_a_run_without_a_bundle_is_no_success(store: SqlStore, settings: Settings, table: str) -> None:
    """A model is only registered where there is something to serve."""
    job = submitted(store, table, "empty")
    with RunningWorker(settings):
        done = finished(store, job.id)

    assert (done.state, store.versions("empty")) == (JobState.FAILED, [])


def test_lines_that_are_no_progress_go_to_the_log(store: SqlStore, settings: Settings, table: str) -> None:
    """A library that prints does no harm."""
    job = submitted(store, table, "noisy")
    with RunningWorker(settings):
        done = finished(store, job.id)

    assert done.state is JobState.SUCCEEDED
    assert (run_folder(settings, job.id) / "log.txt").read_text() == "a library's greeting\n"


def test_cancel_waits_for_less_than_two_seconds() -> None:
    """What there is to wait for between a cancel and its child's end: the next look, then the child's time to end politely."""
    assert LOOK_S + GRACE_S < CANCEL_S


@pytest.mark.parametrize("name", ["slow", "deaf"])
def test_cancel_stops_the_child(store: SqlStore, settings: Settings, table: str, name: str) -> None:
    """Even a child that ignores the polite signal, and though no heartbeat is due; the next job then runs."""
    job = submitted(store, table, name)
    with RunningWorker(settings.model_copy(update={"heartbeat_s": HANG_S})):
        child = searching(store, settings, job.id)
        store.cancel(job.id)
        eventually(lambda: not alive(child))
        after = finished(store, submitted(store, table).id)

    assert (store.job(job.id).state, after.state) == (JobState.CANCELLED, JobState.SUCCEEDED)


def test_a_cancelled_search_resumes_on_its_folder(store: SqlStore, settings: Settings, table: str) -> None:
    """The stage that was finished before is not run again."""
    job = submitted(store, table, "slow")
    with RunningWorker(settings):
        child = searching(store, settings, job.id)
        store.cancel(job.id)
        store.resume(job.id)
        eventually(lambda: not alive(child))
        (run_folder(settings, job.id) / "go").touch()
        done = finished(store, job.id)

    began = [event.message for event in store.events(job.id, 0, 100) if event.message == "validating began"]
    assert (done.state, len(began), len(children(settings, job.id))) == (JobState.SUCCEEDED, 1, 2)


def test_a_worker_that_stops_gives_its_job_back(store: SqlStore, settings: Settings, table: str) -> None:
    """The child ends, the attempt does not count, and another worker finishes."""
    job = submitted(store, table, "slow")
    with RunningWorker(settings) as worker:
        child = searching(store, settings, job.id)
        worker.end()
    assert (store.job(job.id).state, store.job(job.id).attempt, alive(child)) == (JobState.QUEUED, 0, False)

    (run_folder(settings, job.id) / "go").touch()
    with RunningWorker(settings):
        assert finished(store, job.id).attempt == 1


def test_a_run_folder_that_is_still_held_costs_no_attempt(store: SqlStore, settings: Settings, table: str) -> None:
    """Two children find the folder held by a run that has lost its job; the job waits, and the third child brings it to its end."""
    job = submitted(store, table, "busy")
    with RunningWorker(settings):
        done = finished(store, job.id)
    waits = [event.message for event in store.events(job.id, 0, 100) if "still holds the run folder" in event.message]

    assert (done.state, done.attempt, len(children(settings, job.id)), len(waits)) == (JobState.SUCCEEDED, 1, 3, 2)


def test_a_command_that_cannot_be_started_fails_the_job_and_not_the_worker(store: SqlStore, settings: Settings, table: str) -> None:
    """The reason is the machine's, and every attempt is used."""
    worker = Worker(store, settings, threading.Event(), ["/no/such/program"])
    job = submitted(store, table)
    while worker.work():
        pass
    done = store.job(job.id)

    detail = f"The run could not be started (FileNotFoundError). See the worker's log of job {job.id}."
    assert (done.state, done.attempt, done.error) == (JobState.FAILED, 3, {"code": "machine", "detail": detail})
    assert not any("/no/such" in event.message for event in store.events(job.id, 0, 100))
