"""Both tasks on small tables, whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.errors import DataError
from ihas_pipelines.studies.overparameterisation.command import carry_out
from ihas_pipelines.studies.overparameterisation.plan import RacePlan, read_race_plan
from ihas_pipelines.studies.overparameterisation.table import RaceTable
from ihas_pipelines.studies.overparameterisation.tasks import ClicksRunner, read_ratings, task_of
from tests.paths import ROOT

pytestmark = pytest.mark.tf

COUPON = ROOT / "pipelines" / "recipes" / "coupon.toml"


def _ratings_plan(folder: Path, **settings: object) -> RacePlan:
    rng = np.random.default_rng(0)
    users, items = rng.normal(0.0, 0.5, 12), rng.normal(0.0, 0.5, 9)
    rows = [f"{u + 5}\t{i + 70}\t{3.0 + users[u] + items[i]:.4f}\t0" for u in range(12) for i in range(9)]
    (folder / "ratings.txt").write_text("\n".join(rows) + "\n")
    document = {
        "name": "toy", "ratings": {"path": folder / "ratings.txt", "valid_fraction": 0.2},
        "training": {"embedding_dim": 2, "batch_size": 20},
        "learning_rates": {"adam": 0.05}, "forms": ("scalar",), "target": -0.2, "epochs": 12, "checks": 2, "seeds": (0, 1),
    }  # fmt: skip
    return RacePlan.model_validate(document | settings)


def test_reads_ratings(tmp_path: Path) -> None:
    """Users and items get neighbouring ids in the order of their names, whatever else a row holds."""
    ratings = read_ratings(_ratings_plan(tmp_path).ratings.path)  # type: ignore[union-attr]
    assert ratings.layout.vocabulary_sizes == (12, 9)
    assert ratings.ids[:2].tolist() == [[0, 12], [0, 13]]
    assert len(ratings.values) == 108


def test_ratings_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """The error names the file and the row."""
    (tmp_path / "bad.txt").write_text("1 2 3\n1 x 3\n")
    with pytest.raises(DataError, match=r"bad.txt.*row 1"):
        read_ratings(tmp_path / "bad.txt")


@pytest.mark.slow
def test_a_race_is_carried_out_and_gone_on_with(tmp_path: Path) -> None:
    """Every arm reaches what can be reached on every seed, the table is written, and a second call only reads it."""
    plan = _ratings_plan(tmp_path)
    table = carry_out(plan, tmp_path)
    assert [(arm.rule, arm.form, arm.reached) for arm in table.arms] == [("adam", "none", 2), ("adam", "scalar", 2)]
    assert RaceTable.model_validate_json((tmp_path / "race.json").read_bytes()) == table
    assert carry_out(plan, tmp_path) == table
    assert (tmp_path / "race.md").read_text().count("| adam |") == 2


def test_clicks_are_learnt_from(tmp_path: Path) -> None:
    """A backbone on a sample of the coupon data ranks better after two epochs than before, and the sample has the size asked for."""
    (tmp_path / "plan.toml").write_text(
        f'target = 0.9\n[clicks]\nrecipe = "{COUPON}"\ntrain_rows = 3000\nvalid_rows = 500\n[learning_rates]\nadam = 0.005\n'
    )
    task = task_of(read_race_plan(tmp_path / "plan.toml"))
    runner = task.start(task.training.model_copy(update={"overparameterisation": "vector"}), 0)
    assert isinstance(runner, ClicksRunner)
    assert (runner.num_rows, len(runner.valid.group)) == (3000, 500)
    before = runner.value()
    for _ in range(2):
        runner.run(np.arange(3000))
    assert runner.value() > before + 0.05
