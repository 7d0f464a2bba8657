"""The worker has gates evaluated by a process of their own, the real one, and takes what that cannot say for unknown."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.data.newest import FOLDER
from ihas_service.jobs.handlers.gates import release_of
from ihas_service.jobs.handlers.handler import JobContext
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.job import Job
from ihas_service.storage.promotion import Promotion, Promotions
from ihas_service.storage.promotion_settings import PromotionSettings
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.bundle_factory import LOGITS, rows
from tests.service.conftest import Publish, damage, submitted

pytestmark = pytest.mark.full


def run_folder(folder: Path, bundle: Path) -> Path:
    """The bundle of a run that kept its newest rows."""
    newest = folder / "stages" / "data-0123" / "encoded" / FOLDER
    newest.mkdir(parents=True)
    (newest.parent / "schema.json").write_text("{}")
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows() * 100), newest / "rows.parquet")
    labels = np.random.default_rng(0).random(600) < [1 / (1 + np.exp(-logit)) for user in LOGITS for logit in LOGITS[user].values()] * 100
    np.save(newest / "labels.npy", labels.astype(np.float32))
    shutil.copytree(bundle, folder / "bundle")
    return folder / "bundle"


@pytest.fixture
def context(store: SqlStore, settings: Settings) -> JobContext:
    """Of a worker of the real command."""
    return JobContext(store, settings, PIPELINES)


@pytest.fixture
def job(store: SqlStore, table: str) -> Job:
    """A search for films."""
    return submitted(store, table)


@pytest.mark.slow
def test_a_bundle_is_compared_with_the_one_that_serves(
    context: JobContext, job: Job, publish: Publish, bundle: Path, tmp_path: Path, store: SqlStore
) -> None:
    """By the bounds of the model, and the mode of the search before that of the model and of the service."""
    publish()
    made = run_folder(tmp_path / "run", bundle)
    release = release_of(job, made, context)
    assert release.verdict is not None
    found = {gate.name: gate.passed for gate in release.verdict.gates}

    assert (release.auto_promote, release.verdict.champion, release.verdict.rows) == ("first", 1, 600)
    assert {**found, "latency": True} == dict.fromkeys(("golden", "auc", "calibration", "latency"), True)
    Promotions(store).put(Promotion("local", "films", 0, PromotionSettings(auto_promote="passing"), "ada", 0.0))
    stated = dataclasses.replace(job, settings={**job.settings, "auto_promote": "never"})
    assert [release_of(one, made, context).auto_promote for one in (job, stated)] == ["passing", "never"]


def test_a_bundle_that_cannot_be_loaded_fails_its_golden_rows(context: JobContext, job: Job, bundle: Path, tmp_path: Path) -> None:
    """The reason names no folder of this machine."""
    made = run_folder(tmp_path / "run", bundle)
    damage(made)
    verdict = release_of(job, made, context).verdict
    assert verdict is not None

    assert (verdict.passed, [gate.name for gate in verdict.gates], verdict.champion) == (False, ["golden"], None)
    assert str(tmp_path) not in verdict.gates[0].detail


@pytest.mark.parametrize("command", ["pass", 'print(\'{"outcome": "succeeded"}\')', "import os; os.kill(os.getpid(), 9)"])
def test_what_a_child_does_not_say_is_unknown(
    command: str, store: SqlStore, settings: Settings, job: Job, bundle: Path, tmp_path: Path
) -> None:
    """It says nothing, or nothing that can be read, or dies: there is no verdict, and a reason."""
    context = JobContext(store, settings, (sys.executable, "-c", command))
    release = release_of(job, run_folder(tmp_path / "run", bundle), context)

    assert (release.verdict, bool(release.detail)) == (None, True)
