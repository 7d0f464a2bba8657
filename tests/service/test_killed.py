"""SIGKILL of the worker and of its run at twelve named points, under five seeds: the job ends as if nobody had disturbed it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

from ihas.config.learning import LearningConfig
from ihas.config.run import RunOptions
from ihas.serving.loading import load_recommender
from ihas_service.http.examples import searches
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import SEARCH, Job, NewJob
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S
from tests.pipelines.small_run import ROOT, arrays, small_recipe, without_times
from tests.service.conftest import eventually
from tests.service.dying import COMMAND, DEATHS, POINTS

pytestmark = pytest.mark.full

WITHIN_S, DEATH_S = 3_600.0, HANG_S
ARRAYS = ("base", "search", "cluster", "retrain")
NOT_OF_THE_RUN = {"log.txt", "recipe.json", ".lock"}


@dataclass(frozen=True)
class Ended:
    """A search that came to its end.

    Attributes:
        folder: its run folder.
        workers: worker processes that it took.
    """

    job: Job
    folder: Path
    workers: int
    store: SqlStore


def learning(seed: int) -> LearningConfig:
    """The coupon recipe, cut down to seconds, under a seed."""
    return small_recipe().learning.model_copy(update={"seed": seed})


def submitted(store: SqlStore, seed: int) -> Job:
    """A search on the coupon data, whose check nobody waits for."""
    reading = small_recipe().data.model_dump(mode="json", include={"format", "delimiter", "columns"})
    dataset_id = store.add_dataset(NewDataset("coupon", reading, path=str(small_recipe().data.path.resolve()))).id
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, searches.REPORT)
    asked = {"learning": learning(seed).model_dump(mode="json"), "run": RunOptions(num_threads=1).model_dump(mode="json")}
    return store.submit(NewJob(SEARCH, "coupon", dataset_id, asked))


def searched(folder: Path, seed: int, died: int) -> Ended:
    """A search carried out by workers that die at every point but the first `died`; whenever one has died, another one begins."""
    folder.mkdir()
    (folder / "deaths").write_text("".join(f"{point}\n" for point in POINTS[:died]))
    settings = Settings(folder=folder / "runs", lease_s=2.0, heartbeat_s=0.5, poll_s=0.1, max_attempts=len(POINTS) + 1)
    settings.folder.mkdir()
    store = SqlStore(settings.url)
    job = submitted(store, seed)
    asked = {
        f"IHAS_{name.upper()}": str(getattr(settings, name)) for name in ("folder", "lease_s", "heartbeat_s", "poll_s", "max_attempts")
    }
    workers = _workers(folder, asked | {DEATHS: str(folder / "deaths")}, store, job.id)
    return Ended(store.job(job.id), settings.folder / "searches" / job.id, workers, store)


def _workers(folder: Path, environment: Mapping[str, str], store: SqlStore, job_id: str) -> int:
    """Start a worker whenever there is none; the one that begins after the last death is let live until the job has finished."""
    started, dies = 0, True
    while dies:
        dies = len((folder / "deaths").read_text().splitlines()) < len(POINTS)
        with (folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen([*COMMAND, "work"], cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
        started += 1
        try:
            eventually(lambda process=worker: process.poll() is not None or store.job(job_id).finished, WITHIN_S)  # type: ignore[misc]
            if dies:  # a death is written down before it is died, and the last one comes when the job has finished already
                assert worker.wait(DEATH_S) == -signal.SIGKILL, f"See {folder / 'worker.log'}."
        finally:
            worker.kill()
            worker.wait()
    return started


def files(folder: Path) -> set[str]:
    """Every file of a run, hidden ones too."""
    return {name for path in folder.rglob("*") if path.is_file() and (name := path.relative_to(folder).as_posix()) not in NOT_OF_THE_RUN}


def assert_same(left: Path, right: Path) -> None:
    """Two run folders hold the same arrays, figures and bundle, bit by bit, and nothing else."""
    for stage in ARRAYS:
        one, other = arrays(left, stage), arrays(right, stage)
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])
    assert files(left) == files(right)
    for name in ("result.json", "bundle/summary.json"):
        assert without_times(left / name) == without_times(right / name)
    assert numbers(left / "bundle") == numbers(right / "bundle")


def numbers(bundle: Path) -> dict[str, object]:
    """Content of a bundle's files but for its documents, and of its graphs the weights: names of layers count the models before them."""
    paths = [path for path in bundle.rglob("*") if path.suffix in (".npy", ".safetensors", ".onnx")]
    assert paths
    return {path.relative_to(bundle).as_posix(): weights(path) if path.suffix == ".onnx" else path.read_bytes() for path in paths}


def weights(path: Path) -> list[tuple[tuple[int, ...], bytes]]:
    """The arrays in a graph."""
    arrays = map(onnx.numpy_helper.to_array, onnx.load(path).graph.initializer)
    return sorted((array.shape, array.tobytes()) for array in arrays)


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("seed", range(5))
def test_a_search_killed_at_every_point_ends_as_an_undisturbed_one(tmp_path: Path, seed: int) -> None:
    """One version, events without a gap, every death at its point, and results equal to the bit."""
    calm, killed = searched(tmp_path / "calm", seed, len(POINTS)), searched(tmp_path / "killed", seed, 0)
    events = killed.store.events(killed.job.id, 0, 10_000)
    of_workers = sum(point.startswith("worker") for point in POINTS)

    assert (tmp_path / "killed" / "deaths").read_text().splitlines() == list(POINTS)
    assert (calm.job.state, calm.job.attempt, calm.workers) == (JobState.SUCCEEDED, 1, 1)
    assert (killed.job.state, killed.job.attempt, killed.workers) == (JobState.SUCCEEDED, len(POINTS), of_workers + 1)
    assert [event.id for event in events] == list(range(1, killed.job.last_event + 1))
    assert [event.state for event in events].count(JobState.SUCCEEDED) == 1
    assert [version.version for version in killed.store.versions("coupon")] == [1]
    assert killed.store.claim("another", 60.0, 1) is None
    assert_same(killed.folder, calm.folder)
    assert load_recommender(killed.folder / "bundle").name == "coupon"
    for one in (calm, killed):
        one.store.close()
