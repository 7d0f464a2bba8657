"""A benchmark of a generated table, carried out as a child process: real runs, a real baseline method, one variant that must fail."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pytest

from ihas.data.synthetic import make_tribes
from ihas.results.run_result import RunResult
from ihas_pipelines.runs.measures import seconds_of
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.studies.baselines.registry import BASELINES
from ihas_pipelines.studies.benchmark.command import benchmark, failure_message
from ihas_pipelines.studies.benchmark.plan import read_plan
from ihas_pipelines.studies.benchmark.table import Benchmark, BenchmarkRow
from tests.paths import ROOT

pytestmark = [pytest.mark.tf, pytest.mark.slow]

RECIPE = """
[data]
path = "tribes.csv"
[data.columns]
label = "click"
categorical = ["tribe", "taste_0", "taste_1", "noise"]
"""
PLAN = """
seeds = [0, 1]
recipes = ["tribes.toml"]
peers = ["mixture"]

[run]
num_threads = 1

[learning]
distil = { members = 0 }
search = { epochs = 1 }
cluster = { num_groups = [2], on = ["masked"], thresholds = [0.5] }
retrain = { epochs = 1 }
evaluate = { controls = false }

[backbones.tiny]
backbone = { hidden = [4] }
training = { embedding_dim = 2, batch_size = 256, learning_rate = 0.02, embedding_l2 = 1e-5, epochs = 2 }

[variants.too-strong]
search = { strength = 1e38 }
"""


@dataclass(frozen=True)
class Carried:
    """A benchmark that was carried out."""

    folder: Path
    status: int
    lines: tuple[Progress, ...]

    @property
    def table(self) -> Benchmark:
        """What it wrote."""
        return Benchmark.model_validate_json((self.folder / "benchmark.json").read_bytes())

    @property
    def rows(self) -> dict[str, BenchmarkRow]:
        """Its one table by name."""
        return {row.name: row for row in self.table.sections[0].rows}

    def result(self, seed: int) -> RunResult:
        """What the default run found."""
        return RunResult.model_validate_json((self.folder / f"tribes/tiny/seed-{seed}/default/result.json").read_bytes())

    def stages(self) -> dict[str, int]:
        """Every finished stage, with the time at which it was written."""
        return {path.relative_to(self.folder).as_posix(): path.stat().st_mtime_ns for path in self.folder.glob("*/*/*/*/stages/*")}


def write_table(path: Path) -> None:
    """Rows of two tribes, as CSV."""
    oracle = make_tribes(np.random.default_rng(0), 2, (3000, 1, 1), values=8)
    rows = [",".join(map(str, (*ids, int(label)))) for ids, label in zip(oracle.parts.train.ids, oracle.parts.train.labels, strict=True)]
    path.write_text("\n".join([",".join((*oracle.layout.names, "click")), *rows]))


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """The benchmark, from its plan to its end."""
    folder = tmp_path_factory.mktemp("benchmark")
    write_table(folder / "tribes.csv")
    (folder / "tribes.toml").write_text(RECIPE)
    (folder / "trial.toml").write_text(PLAN)
    command = [sys.executable, "-m", "ihas_pipelines", "benchmark", "--plan", str(folder / "trial.toml"), "--folder", str(folder / "out")]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False)
    return Carried(folder / "out", done.returncode, tuple(Progress(**orjson.loads(line)) for line in done.stdout.splitlines()))


def test_it_writes_its_three_files(carried: Carried) -> None:
    """The table as JSON, as Markdown and as a page; the page's links lead to files."""
    assert {path.name for path in carried.folder.iterdir() if path.is_file()} == {"benchmark.json", "benchmark.md", "benchmark.html"}
    assert carried.table.finished == carried.table.cells == 6
    for path in carried.table.sections[0].reports.values():
        assert (carried.folder / path).is_file()


def test_the_rows_are_the_runs_own_results(carried: Carried) -> None:
    """Base and grouped: the means of what the default runs wrote into result.json, seconds included."""
    results = [carried.result(seed) for seed in (0, 1)]
    for name in ("base", "grouped"):
        variants = [next(variant for variant in result.variants if variant.name == name) for result in results]
        row = carried.rows[name]
        assert row.auc == pytest.approx(np.mean([variant.test.auc for variant in variants]))
        assert row.multiply_adds == pytest.approx(np.mean([variant.cost.multiply_adds for variant in variants]))
        assert row.seconds == pytest.approx(np.mean([seconds_of(name, result) for result in results]), abs=0.01)


def test_the_gain_is_that_of_the_runs_under_the_same_seed(carried: Carried) -> None:
    """Mean of grouped minus base, seed by seed, and the interval is around it."""
    found = [{variant.name: variant.test.auc or 0.0 for variant in carried.result(seed).variants} for seed in (0, 1)]
    gain = carried.rows["grouped"].gain

    assert gain is not None
    assert gain.difference == pytest.approx(np.mean([aucs["grouped"] - aucs["base"] for aucs in found]))
    assert gain.low <= gain.difference <= gain.high


def test_a_baseline_tries_its_grid_under_the_first_seed_alone(carried: Carried) -> None:
    """All settings are trained under seed 0, the chosen one again under seed 1."""
    stages = {seed: [path for path in carried.stages() if f"seed-{seed}/default/stages/peer" in path] for seed in (0, 1)}

    assert len(stages[0]) == len(BASELINES["mixture"].settings)
    assert len(stages[1]) == 1
    assert carried.rows["mixture"].setting in [dict(setting) for setting in BASELINES["mixture"].settings]
    assert carried.rows["mixture"].seeds == (0, 1)
    assert carried.rows["mixture"].gain is not None


def test_a_failed_cell_is_reported_and_the_others_stay(carried: Carried) -> None:
    """Gates that are pulled with infinite strength fail under both seeds; the table says why and holds all else; the status is 5."""
    failures, text = carried.table.failures, (carried.folder / "benchmark.md").read_text()

    assert [(failure.name, failure.seed) for failure in failures] == [("too-strong", 0), ("too-strong", 1)]
    assert all("must stay finite" in failure.message for failure in failures)
    assert "| too-strong, seed 1 | failed: Loss and scores must stay finite" in text
    assert list(carried.rows) == ["base", "static", "supernet", "grouped", "chosen", "mixture"]
    assert carried.status == 5


def test_its_lines_tell_of_the_whole(carried: Carried) -> None:
    """Fractions of all cells never fall, each message names its cell, and the last line alone ends it, with the count of failures."""
    fractions = [line.fraction for line in carried.lines]

    assert fractions == sorted(fractions)
    assert all(line.message.startswith("tribes, tiny, seed ") for line in carried.lines[:-1])
    assert all(line.outcome == "running" for line in carried.lines[:-1])
    assert carried.lines[-1].outcome == "failed"
    assert carried.lines[-1].message.startswith("2 of 6 cells failed")


def test_a_second_call_computes_nothing(carried: Carried) -> None:
    """Every stage is where it was and untouched, no epoch is told of, and the table is the same."""
    stages, table, heard = carried.stages(), carried.table, list[Progress]()
    benchmark(read_plan(carried.folder.parent / "trial.toml"), carried.folder, heard.append)

    assert carried.stages() == stages
    assert carried.table == table
    assert not [line for line in heard if "epoch" in line.message and "too-strong" not in line.message]


def test_an_unexpected_error_is_told_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """What no law foresaw has its kind in the table and its trace on standard error."""
    assert failure_message(KeyError("gone")) == "unexpected KeyError: 'gone'"
    assert "KeyError" in capsys.readouterr().err
