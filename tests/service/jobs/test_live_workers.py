"""Which worker lives is told by its signs of life; one that lives loses nothing, and one that died keeps nobody from going on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

import fsspec
import pytest
import structlog
from fsspec.implementations.local import LocalFileSystem

from ihas_service.jobs.child import Child
from ihas_service.jobs.watch import Verdict, Watch
from ihas_service.jobs.worker import Worker, run_worker
from ihas_service.settings import Settings
from ihas_service.states import JobStage, JobState
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S, Clock
from tests.service.conftest import COMMAND, RunningWorker, add_table, eventually, finished, submitted
from tests.service.jobs.work import alive, children, run_folder, searching

pytestmark = pytest.mark.full


def test_a_worker_whose_job_was_taken_stops_its_child(store: SqlStore, settings: Settings, table: str) -> None:
    """The job of a worker that seemed dead is another's; the old child ends and changes nothing, but that the attempt did not count."""
    job = submitted(store, table, "slow")
    with RunningWorker(settings.model_copy(update={"heartbeat_s": HANG_S})):
        child = searching(store, settings, job.id)
        other = eventually(lambda: store.claim("other", 0.1, 3))
        assert other.attempt == 2
        eventually(lambda: store.job(job.id).attempt == 1)

        assert not alive(child)
        assert store.owns(other.id, other.token)
        assert (store.job(job.id).worker, store.job(job.id).lost) == ("other", [])


def test_a_worker_shows_signs_of_life_while_its_child_works(store: SqlStore, settings: Settings, table: str) -> None:
    """Though the child says nothing."""
    job = submitted(store, table, "slow")
    with RunningWorker(settings):
        searching(store, settings, job.id)
        before = store.job(job.id)
        eventually(lambda: store.job(job.id).beats >= before.beats + 3)

    assert store.events(job.id, before.last_event, 1)[0].message.startswith("Its worker stops")


class Gate(LocalFileSystem):
    """A store of bundles that takes nothing before it is opened."""

    protocol = "gate"
    reached, opened = threading.Event(), threading.Event()

    def put_file(self, *arguments: object, **options: object) -> None:
        """See `LocalFileSystem`."""
        self.reached.set()
        assert self.opened.wait(HANG_S)
        super().put_file(*arguments, **options)


def test_a_worker_shows_signs_of_life_while_its_bundle_is_published(
    store: SqlStore, settings: Settings, table: str, bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The child is gone, and bringing the bundle into the store takes long; who stops the worker meanwhile does not interrupt it."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    fsspec.register_implementation("gate", Gate, clobber=True)
    Gate.reached.clear()
    Gate.opened.clear()
    job = submitted(store, table)
    with RunningWorker(settings.model_copy(update={"artefacts_url": f"gate://{tmp_path / 'store'}"})) as worker:
        assert Gate.reached.wait(HANG_S)
        assert not alive(children(settings, job.id)[0][0])
        worker.stop.set()
        before = store.job(job.id)
        eventually(lambda: store.job(job.id).beats >= before.beats + 3)
        Gate.opened.set()

    assert (before.stage, store.job(job.id).state, store.job(job.id).attempt) == (JobStage.EVALUATE, JobState.SUCCEEDED, 1)
    assert list((tmp_path / "store").rglob("manifest.json"))


def impatient(settings: Settings) -> Settings:
    """Settings of a worker that takes others for lost soon; right where no other one is alive, or it does not matter who goes on."""
    return settings.model_copy(update={"lease_s": 1.0})


def _work(settings: Settings) -> None:
    run_worker(settings, threading.Event(), COMMAND)


@pytest.mark.slow
def test_after_kill_9_another_worker_finishes_the_job(store: SqlStore, settings: Settings, table: str) -> None:
    """The killed worker's child ends by itself, and the second worker goes on from the last finished stage."""
    job = submitted(store, table, "slow")
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(settings,))
    process.start()
    child = searching(store, settings, job.id)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    eventually(lambda: not alive(child))

    (run_folder(settings, job.id) / "go").touch()
    with RunningWorker(impatient(settings)):
        done = finished(store, job.id)
    messages = [event.message for event in store.events(job.id, 0, 100)]
    assert (done.state, done.attempt, done.model_version) == (JobState.SUCCEEDED, 2, 1)
    assert messages.count("validating began") == 1
    assert messages.count("searching began") == 2


@pytest.mark.slow
def test_a_worker_that_was_stopped_past_its_lease_changes_nothing_when_it_goes_on(store: SqlStore, settings: Settings, table: str) -> None:
    """SIGSTOP for longer than a lease: another worker takes the job up; after SIGCONT the first one's child ends, and the job
    comes to one end, of the first attempt: the one that was lost by a worker that lives does not count."""
    job = submitted(store, table, "slow")
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(settings,))
    process.start()
    try:
        child = searching(store, settings, job.id)
        os.kill(process.pid or 0, signal.SIGSTOP)
        with RunningWorker(impatient(settings)):
            eventually(lambda: store.job(job.id).attempt == 2)
            eventually(lambda: len(children(settings, job.id)) == 2)
            assert alive(child)
            os.kill(process.pid or 0, signal.SIGCONT)
            eventually(lambda: not alive(child))
            eventually(lambda: store.job(job.id).attempt == 1)
            (run_folder(settings, job.id) / "go").touch()
            done = finished(store, job.id)
    finally:
        os.kill(process.pid or 0, signal.SIGCONT)
        process.terminate()
        process.join()

    events = store.events(job.id, 0, 100)
    assert (done.state, done.attempt, done.model_version) == (JobState.SUCCEEDED, 1, 1)
    assert [event.state for event in events].count(JobState.SUCCEEDED) == 1
    assert [version.version for version in store.versions("slow")] == [1]


def break_database(store: SqlStore, settings: Settings) -> None:
    """Put a folder where the database was."""
    store.close()
    for path in settings.folder.glob("ihas.db*"):
        path.unlink()
    (settings.folder / "ihas.db").mkdir()


def test_a_worker_waits_for_a_database_that_is_out_of_reach(store: SqlStore, settings: Settings) -> None:
    """It has nothing to do meanwhile, and lives."""
    break_database(store, settings)

    assert not Worker(store, settings, threading.Event(), COMMAND).work()


def test_without_its_database_a_child_is_stopped_when_the_lease_is_over(store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """Not before, however often it is looked for: a short absence costs nothing. Then at once: another worker may have the job."""
    job, clock = submitted(store, str(tmp_path)), Clock()
    break_database(store, settings)
    child = Child([sys.executable, "-c", "import sys; sys.stdin.read()"], tmp_path / "log.txt")
    with structlog.testing.capture_logs() as logged, Watch(store, job, child, settings, threading.Event(), clock) as watch:
        clock.advance(settings.lease_s)
        eventually(lambda: [line["event"] for line in logged].count("the database is out of reach") >= 3)
        verdict, running = watch.verdict, alive(child.pid)
        clock.advance(1.0)
        child.wait()
    child.close()

    assert (verdict, running, watch.verdict) == (None, True, Verdict.LOST)


def test_a_child_that_somebody_stopped_is_ended_when_the_lease_is_over(
    store: SqlStore, settings: Settings, table: str, tmp_path: Path
) -> None:
    """Its worker's heart beats on and would keep the job for ever; one that goes on in time is left alone."""
    add_table(store, table)
    job, clock = store.claim("worker", settings.lease_s, 3), Clock()
    assert job is not None
    child = Child([sys.executable, "-c", "import sys; sys.stdin.read()"], tmp_path / "log.txt")
    with Watch(store, job, child, settings, threading.Event(), clock) as watch:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            os.kill(child.pid, number)
            eventually(lambda number=number: child.stopped == (number == signal.SIGSTOP))  # type: ignore[misc]
            clock.advance(settings.lease_s)
            before = store.job(job.id).beats
            eventually(lambda before=before: store.job(job.id).beats > before)  # type: ignore[misc]
        verdict, running = watch.verdict, alive(child.pid)
        os.kill(child.pid, signal.SIGSTOP)
        eventually(lambda: child.stopped)
        clock.advance(settings.lease_s + 1.0)
        child.wait()
    child.close()

    assert (verdict, running, watch.verdict) == (None, True, Verdict.STALLED)


def test_two_workers_share_the_work(store: SqlStore, settings: Settings, table: str) -> None:
    """Six searches on two workers are each run once."""
    jobs = [submitted(store, table) for _ in range(6)]
    with RunningWorker(settings), RunningWorker(settings):
        states = [finished(store, job.id).state for job in jobs]

    assert states == [JobState.SUCCEEDED] * 6
    assert [len(children(settings, job.id)) for job in jobs] == [1] * 6
    assert len(store.versions("films")) == 6
