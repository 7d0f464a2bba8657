"""A finished run outlives an outage of the store that its bundle goes to: a real server that speaks S3, and goes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from ihas_service.jobs.handlers import publishing
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import RunningWorker, eventually, finished, submitted
from tests.service.s3 import S3Server, s3_server

pytestmark = pytest.mark.full

URL = "s3://outage/ihas"


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """A server with a bucket."""
    with s3_server("outage") as server:
        yield server


@pytest.fixture
def remote(settings: Settings, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a service whose runs leave the bundle, which goes to the bucket."""
    monkeypatch.setenv("IHAS_TEST_BUNDLE", str(bundle))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # the service tries again by itself
    return settings.model_copy(update={"artefacts_url": URL})


def waiting(store: SqlStore, job_id: str) -> bool:
    """Whether the job's model waits for the store."""
    return store.job(job_id).message == publishing.AWAY


def test_a_run_that_ends_while_the_store_is_away_is_published_when_it_is_back(
    s3: S3Server, remote: Settings, store: SqlStore, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same attempt: the run is not repeated, its worker lives, and every file of the bundle lies in the bucket."""
    monkeypatch.setattr(publishing, "WAITS_S", (0.05,) * 10_000)
    s3.stop()
    with RunningWorker(remote):
        job = submitted(store, table)
        eventually(lambda: waiting(store, job.id))
        s3.start()
        ended = finished(store, job.id)

    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 1)
    found = fsspec.filesystem("s3", skip_instance_cache=True).find(f"outage/ihas/searches/{job.id}/bundle")
    assert any(name.endswith("/manifest.sha256") for name in found)


def test_a_job_that_is_cancelled_while_the_store_is_away_frees_its_worker(
    s3: S3Server, remote: Settings, store: SqlStore, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next search is begun."""
    monkeypatch.setattr(publishing, "WAITS_S", (0.05,) * 10_000)
    s3.stop()
    with RunningWorker(remote):
        first = submitted(store, table)
        eventually(lambda: waiting(store, first.id))
        second = submitted(store, table, "books")
        store.cancel(first.id)
        eventually(lambda: waiting(store, second.id))
    s3.start()

    assert store.job(first.id).state is JobState.CANCELLED
    assert (store.job(second.id).state, store.job(second.id).attempt) == (JobState.QUEUED, 0)  # its worker stopped


def test_a_store_that_stays_away_fails_the_job_with_the_way_out(
    s3: S3Server, remote: Settings, store: SqlStore, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After all attempts; resumed once the store is there, the job succeeds without another run."""
    monkeypatch.setattr(publishing, "WAITS_S", ())
    s3.stop()
    with RunningWorker(remote):
        job = submitted(store, table)
        failed = finished(store, job.id)
        s3.start()
        store.resume(job.id)
        ended = finished(store, job.id)

    assert failed.error is not None
    assert (failed.state, failed.attempt, failed.error["code"]) == (JobState.FAILED, remote.max_attempts, "store")
    assert ended.state is JobState.SUCCEEDED
