"""The comparison of ways of keeping a model fresh, on a small table."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.data import SchemaConfig
from ihas.config.learning import LearningConfig
from ihas.config.members import MembersConfig
from ihas.config.run import RunOptions
from ihas.config.split import SplitConfig
from ihas.config.training import TrainingConfig
from ihas.errors import ConfigError
from ihas_pipelines.studies.refresh.command import Compared, Measured, carry_out, markdown
from ihas_pipelines.studies.refresh.plan import RefreshPlan, read_plan
from tests.paths import ROOT

pytestmark = pytest.mark.tf

COLUMNS = SchemaConfig(
    label="label", time="time", categorical=("user", "item"), ignored=("age", "gender", "occupation", "zip", "year", "genres")
)


def _ratings(folder: Path) -> None:
    """Four weeks of ratings, in which every movie is liked by all or by none; each week brings movies of its own."""
    rng, lines = np.random.default_rng(0), []
    for number in range(1_200):
        week = number // 300
        item = int(rng.integers(6)) + 6 * int(rng.integers(week + 1))
        lines.append(
            f"{rng.integers(1, 9)}\t{item + 1}\t{5 if (item % 2) ^ int(rng.random() < 0.1) else 1}\t{week * 604_800 + number % 300}"
        )
    marks = "|".join("0" for _ in range(19))
    texts = {
        "u.user.gz": "".join(f"{user}|30|M|other|00000\n" for user in range(1, 9)),
        "u.item.gz": "".join(f"{item}|A (1990)|01-Jan-1990||x|{marks}\n" for item in range(1, 25)),
        "u.data.gz": "\n".join(lines) + "\n",
    }
    for name, text in texts.items():
        with gzip.open(folder / name, "wt", encoding="latin-1") as file:
            file.write(text)


@pytest.mark.tf
@pytest.mark.slow
def test_a_model_that_is_refreshed_stays_fresh(tmp_path: Path) -> None:
    """Where every week brings new movies, a model that is left alone falls behind; refreshed or trained anew it does not."""
    _ratings(tmp_path)
    learning = LearningConfig(
        split=SplitConfig(kind="time", test_fraction=0.02),
        backbone=BackboneConfig(hidden=(4,), batch_norm=False),
        training=TrainingConfig(embedding_dim=4, batch_size=32, learning_rate=0.02, embedding_l2=1e-5, epochs=8),
        members=MembersConfig(counts=()),
    )
    plan = RefreshPlan(
        movielens=str(tmp_path), columns=COLUMNS, first=1, every={"weekly": 1}, seeds=(0,), learning=learning, run=RunOptions(num_threads=1)
    )
    said: list[str] = []
    compared = carry_out(plan, tmp_path / "out", said.append)
    last = {one.strategy: one.auc[-1] for one in compared.measured}

    assert [one.strategy for one in compared.measured] == ["never", "weekly", "weekly from scratch"]
    assert [one.rows for one in compared.measured] == [(300, 300, 300)] * 3
    assert last["weekly"] > last["never"] + 0.05
    assert last["weekly from scratch"] > last["never"] + 0.05
    assert [one.seconds > 0.0 for one in compared.measured] == [False, True, True]
    assert Compared.model_validate_json((tmp_path / "out" / "refresh.json").read_bytes()) == compared
    assert len(said) == 3
    assert not (tmp_path / "out" / "work").exists()


def test_the_tables_show_means_gains_and_time() -> None:
    """Means over steps and seeds, the gain over a model that is left alone seed by seed, and a row for each step."""

    def one(name: str, seed: int, *auc: float) -> Measured:
        return Measured(
            strategy=name,
            seed=seed,
            auc=auc,
            log_loss=(0.5, 0.7),
            rows=(1_000, 20),
            seconds=0.0 if name == "never" else 8.0,
            first_seconds=3.0,
        )

    measured = (one("never", 0, 0.6, 0.7), one("weekly", 0, 0.7, 0.8), one("never", 1, 0.6, 0.6), one("weekly", 1, 0.6, 0.8))

    assert markdown(Compared(measured=measured)).splitlines()[2:] == [
        "| never | 0, 1 | 0.6250 | 0.6000 |  | 0 |",
        "| weekly | 0, 1 | 0.7250 | 0.6000 | +0.1000 (+0.1000, +0.1000) | 8 |",
        "",
        "| step | rows | never | weekly |",
        "|---|---|---|---|",
        "| 1 | 1,000 | 0.6000 | 0.6500 |",
        "| 2 | 20 | 0.6500 | 0.8000 |",
    ]


def test_the_plan_of_this_repository_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`$IHAS_DATA` is the environment's; a plan with a fault names it."""
    monkeypatch.setenv("IHAS_DATA", "/data")
    plan = read_plan(ROOT / "pipelines" / "recipes" / "refresh" / "movielens-100k.toml")
    (tmp_path / "bad.toml").write_text('movielens = "x"\ncolumns = {}\nunit_s = 0\n')

    assert (plan.movielens, plan.every["weekly"]) == ("/data/movielens-100k", 1)
    with pytest.raises(ConfigError, match="unit_s"):
        read_plan(tmp_path / "bad.toml")
