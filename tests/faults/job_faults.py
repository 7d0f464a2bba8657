"""Kills, stops, outages and clock steps while searches run: real API, real workers and database; the child only goes through the stages.

Each fault meets a search of its own, whose child waits until it is told to go on, at a moment drawn before, while or after it waits.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import sqlalchemy as sa

from ihas_service.benchmark_server import register
from ihas_service.http.examples import searches
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import SEARCH, Job
from ihas_service.storage.sql_store import SqlStore
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle, client
from tests.faults.processes import Api, Hangs, Process, eventually, new_folder, worker
from tests.service import child
from tests.service.postgres import PostgresServer

LEASE_S = 2.0
WORKERS = 2
CALM = "undisturbed"
COMMAND = (sys.executable, str(child.__file__))


class Disturbed:
    """A service with two workers, and what may happen to it."""

    def __init__(self, root: Path, bundle: Path, server: PostgresServer | None, seed: int, ledger: Ledger) -> None:
        folder = new_folder(root, "jobs")
        database = None if server is None else server.new_database()
        times: dict[str, Any] = {"lease_s": LEASE_S, "heartbeat_s": 0.3, "poll_s": 0.05, "drain_s": 5.0, "max_attempts": 20}
        self.settings = Settings(folder=folder / "runs", database_url=database, **times)
        self.draw, self.ledger, self.server, self._bundle, self._log = random.Random(seed), ledger, server, bundle, folder
        register(self.settings, bundle)
        self.store = SqlStore(self.settings.url)
        self.dataset_id = self._dataset()
        self.api = Api(self.settings, folder / "api.log")
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.jobs: dict[str, tuple[str, str]] = {}
        self.kind, self.away = CALM, False

    def close(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.api):
            with suppress(Hangs):
                process.end()
        self.store.close()

    def submit(self) -> str:
        """A search under a key of its own, as a client submits it that must not lose it; its id."""
        key = f"key-{len(self.jobs)}"
        body = {"name": "slow", "dataset_id": self.dataset_id}

        def asked() -> str | None:
            try:
                with client(self.api.url) as http:
                    response = http.post("/v1/searches", json=body, headers={"idempotency-key": key})
            except httpx.TransportError:
                return None
            if response.status_code >= 500 and not (self.away and response.status_code == 503):
                self.ledger.wrong(self.kind, "fives", f"{response.status_code} to a submission: {response.text[:200]}")
            return str(response.json()["id"]) if response.is_success else None

        found = eventually(asked, "a submission")
        self.jobs[found] = (key, self.kind)
        self.ledger.add(self.kind, jobs=1)
        return found

    def folder(self, job_id: str) -> Path:
        """The run folder of a search."""
        return self.settings.folder / "searches" / job_id

    def go_on(self, job_id: str) -> None:
        """Let the child of a search go on."""
        self.folder(job_id).mkdir(parents=True, exist_ok=True)
        (self.folder(job_id) / "go").touch()

    def job(self, job_id: str) -> Job | None:
        """The job, where the database answers."""
        try:
            return self.store.job(job_id)
        except sa.exc.DBAPIError:
            return None

    def holder(self, job_id: str) -> Process:
        """The worker that holds a search, else any."""
        job = self.job(job_id)
        pids = {} if job is None or job.worker is None else {job.worker.split(":")[-2]: True}
        return next((one for one in self.workers if str(one.pid) in pids), self.draw.choice(self.workers))

    def child(self, job_id: str) -> int | None:
        """Process id of the child of a search, where one lives."""
        with suppress(FileNotFoundError, IndexError, psutil.NoSuchProcess):
            pid = int((self.folder(job_id) / "starts").read_text().split("\n")[-2].split()[0])
            return pid if job_id in " ".join(psutil.Process(pid).cmdline()) else None
        return None

    def replace(self, process: Process, number: signal.Signals) -> None:
        """End a process and start it again."""
        process.end(number)
        process.start()

    def pause(self, at_most_s: float) -> None:
        """Wait for a drawn time."""
        time.sleep(self.draw.uniform(0.0, at_most_s))

    def _dataset(self) -> str:
        dataset_id = self.store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv")).id
        check = self.store.claim("check", 60.0, 1)
        if check is None:
            raise Hangs("a check that was just added cannot be claimed")
        self.store.accept_dataset(check.id, check.token, searches.REPORT)
        return dataset_id

    def _worker(self) -> Process:
        return worker(self.settings, self._log / "worker.log", COMMAND, {"IHAS_TEST_BUNDLE": str(self._bundle)})


Fault = Callable[[Disturbed, str], None]


def kill_worker(world: Disturbed, job_id: str) -> None:
    """SIGKILL."""
    world.replace(world.holder(job_id), signal.SIGKILL)


def end_worker(world: Disturbed, job_id: str) -> None:
    """SIGTERM, as an update of the service sends."""
    world.replace(world.holder(job_id), signal.SIGTERM)


def kill_child(world: Disturbed, job_id: str) -> None:
    """SIGKILL of the run."""
    pid = world.child(job_id)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop_worker(world: Disturbed, job_id: str) -> None:
    """SIGSTOP for longer than a lease; it goes on when somebody else has its job."""
    process = world.holder(job_id)
    process.send(signal.SIGSTOP)
    time.sleep(1.5 * LEASE_S)
    process.send(signal.SIGCONT)


def stop_child(world: Disturbed, job_id: str) -> None:
    """SIGSTOP of the run, for good."""
    pid = world.child(job_id)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def kill_api(world: Disturbed, job_id: str) -> None:
    """SIGKILL of the API while somebody submits, who asks again under the same key."""
    del job_id
    _while_submitting(world, lambda: world.replace(world.api, signal.SIGKILL))


def end_api(world: Disturbed, job_id: str) -> None:
    """SIGINT of the API while somebody submits."""
    del job_id
    _while_submitting(world, lambda: world.replace(world.api, signal.SIGINT))


def set_clock(world: Disturbed, job_id: str) -> None:
    """All times that the database noted move by a day, forwards or back, as if its clock had been set."""
    del job_id
    by = world.draw.choice([-86_400.0, 86_400.0])
    engine = sa.create_engine(world.settings.url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update jobs set heartbeat_at = heartbeat_at + {by}, started_at = started_at + {by}")
    engine.dispose()


def lose_database(world: Disturbed, job_id: str) -> None:
    """PostgreSQL breaks every connection and is away for up to two leases, while somebody submits."""
    del job_id
    server = world.server
    if server is None:
        raise ValueError("Only a server can be stopped.")

    def outage() -> None:
        server.stop()
        world.pause(2 * LEASE_S)
        server.start()

    _while_submitting(world, outage)


def _while_submitting(world: Disturbed, disturb: Callable[[], None]) -> None:
    found: list[str] = []
    submitting = threading.Thread(target=lambda: found.extend(world.submit() for _ in range(3)))
    world.away = True
    submitting.start()
    world.pause(0.2)
    disturb()
    submitting.join()
    world.api.wait()
    world.away = False
    for one in found:
        world.go_on(one)


FAULTS: Mapping[str, Fault] = {
    "SIGKILL of a worker": kill_worker,
    "SIGTERM of a worker": end_worker,
    "SIGKILL of a run": kill_child,
    "SIGSTOP of a worker past its lease": stop_worker,
    "SIGSTOP of a run": stop_child,
    "SIGKILL of the API under submissions": kill_api,
    "SIGINT of the API under submissions": end_api,
    "the database's clock set by a day": set_clock,
}
OUTAGE = "PostgreSQL away under submissions"


def disturb(root: Path, bundle: Path, server: PostgresServer | None, each: int, seed: int, ledger: Ledger) -> None:
    """`each` faults of every kind, in drawn order; then every search must have come to its one end.

    Args:
        root: takes the service's folder and logs.
        bundle: what every search leaves.
        server: of the database; None for SQLite.
        each: faults of a kind.
        seed: of order and moments.
        ledger: takes the counts.
    """
    world = Disturbed(root, bundle, server, seed, ledger)
    try:
        faults = dict(FAULTS) if server is None else {**FAULTS, OUTAGE: lose_database}
        plan = [kind for kind in faults for _ in range(each)]
        world.draw.shuffle(plan)
        calm = world.submit()
        world.go_on(calm)
        eventually(lambda: (job := world.job(calm)) is not None and job.finished, "the end of an undisturbed search")
        with _asking(world, Oracle(bundle, seed)):
            for kind in plan:
                _one(world, kind, faults[kind])
        compare(world.store, world.settings.folder / "searches", calm, world.jobs, ledger)
    finally:
        world.close()


def _one(world: Disturbed, kind: str, fault: Fault) -> None:
    world.kind = kind
    world.ledger.add(kind, tries=1)
    job_id = world.submit()
    moment = world.draw.choice(["early", "waiting", "waiting", "late"])
    if moment == "early":
        world.pause(0.2)
    else:
        eventually(lambda: world.child(job_id), "the start of a run")
    if moment == "late":
        world.go_on(job_id)
        world.pause(0.2)
    fault(world, job_id)
    world.go_on(job_id)
    with suppress(Hangs):
        eventually(lambda: (job := world.job(job_id)) is not None and job.finished, "the end of a search")
    world.kind = CALM


@contextmanager
def _asking(world: Disturbed, oracle: Oracle) -> Iterator[None]:
    """Right requests all the while; none may be answered wrongly, nor go unanswered while the API is there."""
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            with client(world.api.url) as http:
                oracle.ask(http, world.kind, world.ledger, may_be_away=True)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()


def compare(store: SqlStore, folder: Path, calm: str, jobs: Mapping[str, tuple[str, str]], ledger: Ledger) -> None:
    """Compare every search with the undisturbed one.

    Args:
        store: has all of them.
        folder: of their run folders.
        calm: id of the undisturbed one.
        jobs: key and kind of fault of each search, by id.
        ledger: takes what is wrong.
    """
    found = store.versions("slow")
    versions, keys = Counter(version.job_id for version in found), Counter(job.key for job in store.jobs(SEARCH, None, 10_000))
    for job_id, (key, kind) in jobs.items():
        job, events = store.job(job_id), store.events(job_id, 0, 10_000)
        if job.state is not JobState.SUCCEEDED:
            ledger.wrong(kind, "lost", f"{job_id} is {job.state}: {job.error or job.message}")
            continue
        if versions[job_id] != 1 or keys[key] != 1 or [event.state for event in events].count(JobState.SUCCEEDED) != 1:
            ledger.wrong(kind, "doubled", f"{job_id} has {versions[job_id]} versions, its key {keys[key]} searches")
        if [event.id for event in events] != list(range(1, job.last_event + 1)):
            ledger.wrong(kind, "differ", f"{job_id} has a gap in its events")
        if _left(folder / job_id) != _left(folder / calm):
            ledger.wrong(kind, "differ", f"{job_id} left other files than the undisturbed search")
    if (numbers := sorted(version.version for version in found)) != list(range(1, len(numbers) + 1)):
        ledger.wrong(CALM, "doubled", f"versions are numbered {numbers}")


def _left(folder: Path) -> dict[str, bytes]:
    """What a run leaves, but for what counts its processes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("starts", "log.txt", "recipe.json", "go")
    }
