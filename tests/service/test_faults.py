"""What is out of the service's hands: its database goes away, its disk is full, bytes of a bundle turn over."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from service import examples
from service.client import Client
from service.errors import ServiceError
from service.jobs.catalogue import NewDataset
from service.jobs.job import JobKind
from service.jobs.sql_store import SqlStore
from service.settings import Settings
from tests.service.live import LiveServer
from tests.service.postgres import PostgresServer, postgres_server, reason_to_skip

OPERATIONS = 500


@pytest.fixture
def fragile() -> Iterator[PostgresServer]:
    """A PostgreSQL server that may be stopped."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


def surely(client: Client, name: str, dataset_id: str, key: str) -> str:
    """Submit until it was accepted, as a client does that must not lose its search."""
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        try:
            return str(client.create_search(name, dataset_id, key)["id"])
        except ServiceError as error:
            if error.status not in (0, 503):
                raise
            time.sleep(0.05)
    pytest.fail("The service stayed away.")


@pytest.mark.slow
def test_a_database_that_comes_and_goes_loses_and_doubles_nothing(fragile: PostgresServer, settings: Settings) -> None:
    """Three outages of up to a second during submissions with keys: every key has its one search, and refusals were 503."""
    settings = settings.model_copy(update={"database_url": fragile.new_database()})
    settings.folder.mkdir(parents=True)
    store = SqlStore(settings.url)
    dataset_id = store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv")).id
    job = store.claim("check", 60.0, 1)
    assert job is not None
    store.accept_dataset(job.id, job.token, examples.REPORT)
    done = threading.Event()

    def disturb() -> None:
        for pause in (0.3, 1.0, 0.6):
            if done.wait(0.5):
                return
            fragile.stop()
            time.sleep(pause)
            fragile.start()

    with LiveServer(settings) as live, Client(live.url) as client:
        disturber = threading.Thread(target=disturb)
        disturber.start()
        ids = {str(number): surely(client, "films", dataset_id, str(number)) for number in range(OPERATIONS)}
        done.set()
        disturber.join()
        again = {key: surely(client, "films", dataset_id, key) for key in ids}

    found = Counter(job.key for job in store.jobs(JobKind.SEARCH, None, 1_000))
    store.close()
    assert again == ids
    assert found == dict.fromkeys(ids, 1)


def test_scores_need_no_database(fragile: PostgresServer, settings: Settings, bundle: Path) -> None:
    """A model in memory answers while the database is away, and readiness says that it is."""
    settings = settings.model_copy(update={"database_url": fragile.new_database()})
    settings.folder.mkdir(parents=True)
    store = SqlStore(settings.url)
    store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv"))
    for kind in (JobKind.DATASET, JobKind.SEARCH):
        job = store.claim("ada", 60.0, 1)
        assert job is not None
        if kind is JobKind.DATASET:
            store.accept_dataset(job.id, job.token, examples.REPORT)
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
