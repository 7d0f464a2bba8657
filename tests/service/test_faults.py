"""What is out of the service's hands: its database goes away, its disk is full, bytes of a bundle turn over."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from ihas_service.client.client import Client
from ihas_service.errors import ServiceError
from ihas_service.http.examples import searches
from ihas_service.settings import Settings
from ihas_service.states import JobStage, JobState
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import DATASET, SEARCH
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.service.conftest import RunningWorker, eventually, finished, submitted
from tests.service.live import LiveServer
from tests.service.postgres import PostgresServer, postgres_server, reason_to_skip

pytestmark = pytest.mark.full

SEARCHES = 400
Document = dict[str, Any]


@pytest.fixture
def fragile() -> Iterator[PostgresServer]:
    """A PostgreSQL server that may be stopped."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


def surely(ask: Callable[[], Document], done: Callable[[], Document | None] = lambda: None) -> Document:
    """Ask until it was done, as a client does that must not lose it; refusals are 503, and what `done` gives was done already."""
    end = time.monotonic() + HANG_S
    while time.monotonic() < end:
        try:
            return done() or ask()
        except ServiceError as error:
            if error.status not in (0, 503):
                raise
            time.sleep(0.05)
    pytest.fail("The service stayed away.")


def submit_and_sometimes_change_ones_mind(client: Client, dataset_id: str, numbers: Iterable[int]) -> dict[str, str]:
    """Submit a search for each number, under the number as its key; cancel every fifth and resume every tenth. Ids by number."""
    ids = {}
    for number in numbers:
        search_id = str(surely(lambda key=str(number): client.create_search("films", dataset_id, key))["id"])  # type: ignore[misc]
        ids[str(number)] = search_id
        if number % 5 == 0:
            surely(lambda at=search_id: client.cancel(at), lambda at=search_id: now_in(client, at, "succeeded", "cancelled"))  # type: ignore[misc]
        if number % 10 == 0:
            surely(lambda at=search_id: client.resume(at), lambda at=search_id: not_in(client, at, "cancelled"))  # type: ignore[misc]
    return ids


def now_in(client: Client, search_id: str, *states: str) -> Document | None:
    """The search, where it is in one of the states."""
    found = client.search(search_id)
    return found if found["state"] in states else None


def not_in(client: Client, search_id: str, state: str) -> Document | None:
    """The search, where it is in another state."""
    found = client.search(search_id)
    return found if found["state"] != state else None


@contextmanager
def outages(server: PostgresServer) -> Iterator[list[float]]:
    """Stop the server for up to two seconds, every half to two seconds; how long each time."""
    draw, done, lengths = random.Random(11), threading.Event(), list[float]()

    def disturb() -> None:
        while not done.wait(draw.uniform(0.5, 2.0)):
            lengths.append(draw.uniform(0.0, 2.0))
            server.stop()
            time.sleep(lengths[-1])
            server.start()

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        yield lengths
    finally:
        done.set()
        disturber.join()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_that_comes_and_goes_loses_and_doubles_nothing(
    fragile: PostgresServer, settings: Settings, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than 500 operations of clients, and every write of two workers, while the server stops again and again.

    Every key has its one search, every search that was not cancelled one model version, and no event is missing or doubled.
    """
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    settings = settings.model_copy(update={"database_url": fragile.new_database(), "lease_s": 3.0})
    settings.folder.mkdir(parents=True)
    store = SqlStore(settings.url)
    dataset_id = store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv")).id
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, searches.REPORT)
    with LiveServer(settings) as live, Client(live.url) as client, RunningWorker(settings), RunningWorker(settings):
        with outages(fragile) as lengths, ThreadPoolExecutor(4) as pool:
            parts = pool.map(lambda first: submit_and_sometimes_change_ones_mind(client, dataset_id, range(first, SEARCHES, 4)), range(4))
            ids = {key: search_id for part in parts for key, search_id in part.items()}
            eventually(lambda: len(lengths) >= 5)
        again = {key: str(surely(lambda one=key: client.create_search("films", dataset_id, one))["id"]) for key in ids}  # type: ignore[misc]
        jobs = [eventually(lambda one=one: job if (job := store.job(one)).finished else None, 300.0) for one in ids.values()]  # type: ignore[misc]

    assert again == ids
    assert Counter(job.key for job in store.jobs(SEARCH, None, 1_000)) == dict.fromkeys(ids, 1)
    assert {job.state for job in jobs} <= {JobState.SUCCEEDED, JobState.CANCELLED}
    assert {job.key for job in jobs if job.state is JobState.CANCELLED} <= {key for key in ids if int(key) % 10 == 5}
    registered = {version.job_id: version.version for version in store.versions("films")}
    assert registered.keys() == {job.id for job in jobs if job.state is JobState.SUCCEEDED}
    assert sorted(registered.values()) == list(range(1, len(registered) + 1))
    for job in jobs:
        assert [event.id for event in store.events(job.id, 0, 1_000)] == list(range(1, job.last_event + 1))
    store.close()


def test_a_worker_without_its_database_costs_its_job_no_attempt(
    fragile: PostgresServer, settings: Settings, table: str, monkeypatch: pytest.MonkeyPatch, bundle: Path
) -> None:
    """Away for longer than a lease: the child is stopped; once it is back the worker says so, and begins the same attempt again."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    settings = settings.model_copy(update={"database_url": fragile.new_database(), "lease_s": 1.0, "max_attempts": 1})
    store = SqlStore(settings.url)
    job = submitted(store, table, "slow")
    starts = settings.folder / "searches" / job.id / "starts"
    with RunningWorker(settings):
        eventually(lambda: store.job(job.id).stage is JobStage.SEARCH)
        child = int(starts.read_text().split()[0])
        fragile.stop()
        eventually(lambda: not psutil.pid_exists(child))
        fragile.start()
        eventually(lambda: len(starts.read_text().splitlines()) == 2)
        (starts.parent / "go").touch()
        done = finished(store, job.id)
    messages = [event.message for event in store.events(job.id, 0, 100)]
    store.close()

    assert (done.state, done.attempt, done.lost) == (JobState.SUCCEEDED, 1, [])
    assert messages.count("Attempt 1 began.") == 2


def test_scores_need_no_database(fragile: PostgresServer, settings: Settings, bundle: Path) -> None:
    """A model in memory answers while the database is away, and readiness says that it is."""
    settings = settings.model_copy(update={"database_url": fragile.new_database()})
    settings.folder.mkdir(parents=True)
    store = SqlStore(settings.url)
    store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv"))
    for kind in (DATASET, SEARCH):
        job = store.claim("ada", 60.0, 1)
        assert job is not None
        if kind is DATASET:
            store.accept_dataset(job.id, job.token, searches.REPORT)
            with LiveServer(settings) as live, Client(live.url) as client:
                client.create_search("films", job.dataset_id, "k")
        else:
            shutil.copytree(bundle, settings.folder / "searches" / job.id / "bundle")
            store.succeed(job.id, job.token, f"searches/{job.id}/bundle")
    store.close()
    with LiveServer(settings) as live:
        assert live.http.post("/v1/models/films/score", json={"rows": [{"user": "ada"}]}).status_code == 200
        fragile.stop()
        scored = live.http.post("/v1/models/films/score", json={"rows": [{"user": "ada"}]})
        ready = live.http.get("/readyz")
        fragile.start()

    assert (scored.status_code, ready.status_code) == (200, 503)


def test_two_hundred_flipped_bits_are_each_found(bundle: Path, tmp_path: Path) -> None:
    """Wherever a bit of a bundle turns over, the bundle does not serve."""
    draw = random.Random(7)
    files = sorted(path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file())
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    for _ in range(200):
        path = copy / draw.choice(files)
        content = path.read_bytes()
        place = draw.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :])
        with pytest.raises(BundleError):
            load_recommender(copy)
        path.write_bytes(content)

    assert load_recommender(copy).name


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_torn_file_is_found(bundle: Path, tmp_path: Path, share: float) -> None:
    """Every file of a bundle, cut off at some place: the bundle does not serve."""
    for path in sorted(path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file()):
        copy = tmp_path / "copy"
        shutil.copytree(bundle, copy)
        content = (copy / path).read_bytes()
        (copy / path).write_bytes(content[: int(share * len(content))])
        with pytest.raises(BundleError):
            load_recommender(copy)
        shutil.rmtree(copy)
