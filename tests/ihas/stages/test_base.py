"""The plain model, with the L2 weight and the learning rate that validation prefers, where the right ones are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import FIRST_L2, FIRST_RATE, TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.stages.base import BaseResult, search_up, train_base
from ihas.training import parallel
from tests.oracle import ignore, tribes_config

pytestmark = pytest.mark.tf

FEW, VALUES = 600, 300


def _noisy_parts() -> Splits:
    """A field whose two halves of values differ in clicks, and one with as many values as chance needs to be learnt by heart."""
    rng = np.random.default_rng(0)
    layout = FieldLayout(("taste", "name"), (4, VALUES), (1, 1))

    def part(rows: int) -> Dataset:
        taste, name = rng.integers(2, 4, rows), rng.integers(2, VALUES, rows)
        labels = (rng.random(rows) < np.where(taste == 2, 0.3, 0.7)).astype(np.float32)
        return Dataset(layout, np.column_stack([taste, name + 4]).astype(np.int32), labels)

    return Splits(part(FEW), part(4_000), part(4_000))


@cache
def _tuned() -> tuple[BaseResult, LearningConfig]:
    config = LearningConfig(backbone=BackboneConfig(hidden=()), training=TrainingConfig(embedding_dim=4, batch_size=64, epochs=12))
    return train_base(_noisy_parts(), config, ignore), config


@pytest.mark.parametrize("peak", [-3.0, -2.9, -1.2, 0.0, 0.4, 2.6, 3.0])
def test_a_climb_ends_at_the_top(peak: float) -> None:
    """Of a score with one peak the value nearest to it is found, in steps of the factor, and only its neighbours are tried."""
    asked = set[float]()

    def scores(values: list[float]) -> list[float]:
        asked.update(values)
        return [-abs(np.log10(value / 5.0) - peak) for value in values]

    assert search_up(scores, 5.0, 10.0, 3) == pytest.approx(5.0 * 10.0 ** round(peak))
    assert len(asked) == min(abs(round(peak)), 2) + 3


def test_a_climb_ends_at_the_edge() -> None:
    """A score that always grows is climbed for `most` steps."""
    assert search_up(lambda values: values, 1.0, 2.0, 2) == 4.0


def test_a_flat_score_keeps_the_start() -> None:
    """Where nothing is better the start is the answer."""
    assert search_up(lambda values: [0.0 for _ in values], 3.0, 2.0, 4) == 3.0


@pytest.mark.slow
def test_decades_are_climbed_then_halves_then_the_rate() -> None:
    """Each chosen value was tried with its neighbours: a decade, half a decade and a doubling to either side."""
    tried = {(trial.embedding_l2, trial.learning_rate) for trial in _tuned()[0].trials}
    best = _tuned()[0].trials[0]

    assert (FIRST_L2, FIRST_RATE) in tried
    assert any(l2 == pytest.approx(best.embedding_l2 * 10**0.5) for l2, _ in tried)
    assert any(l2 == pytest.approx(best.embedding_l2 / 10**0.5) for l2, _ in tried)
    assert {(best.embedding_l2, best.learning_rate * 2), (best.embedding_l2, best.learning_rate / 2)} <= tried
    assert 7 <= len(tried) <= 10


@pytest.mark.slow
def test_trials_beside_each_other_are_those_of_one_after_another(monkeypatch):
    """The same settings in the same order, with the same figures and weights, to the bit."""
    config = LearningConfig(backbone=BackboneConfig(hidden=(4,)), training=TrainingConfig(embedding_dim=4, batch_size=64, epochs=2))
    found = []
    for at_once in (3, 1):
        monkeypatch.setattr(parallel, "num_threads", lambda at_once=at_once: at_once)
        found.append(train_base(_noisy_parts(), config, ignore).trials)

    for beside, after in zip(*found, strict=True):
        assert (beside.embedding_l2, beside.learning_rate) == (after.embedding_l2, after.learning_rate)
        assert beside.model.history == after.model.history
        np.testing.assert_array_equal(beside.model.weights.table, after.model.weights.table)


def test_the_best_trial_comes_first_and_settles_the_settings():
    """Weights, L2 weight and learning rate are those of the trial with the best validation AUC."""
    base, config = _tuned()

    assert base.trials[0].score == max(trial.score for trial in base.trials)
    assert base.weights is base.trials[0].model.weights
    settled = base.resolved(config).training
    assert (settled.embedding_l2, settled.learning_rate) == (base.trials[0].embedding_l2, base.trials[0].learning_rate)


def test_a_table_that_can_be_learnt_by_heart_wants_a_strong_penalty():
    """Two rows a value: the weakest penalty ranks validation rows worse than the chosen one."""
    best, weak = _tuned()[0].trials[0], next(t for t in _tuned()[0].trials if (t.embedding_l2, t.learning_rate) == (FIRST_L2, FIRST_RATE))

    assert best.embedding_l2 > 1e-4
    assert weak.score < best.score - 0.001


def test_stated_settings_are_one_trial():
    """What the user states is not searched."""
    fixed = tribes_config().with_training(epochs=1, embedding_l2=3e-4, learning_rate=0.01)

    base = train_base(_noisy_parts(), fixed, ignore)

    assert [(trial.embedding_l2, trial.learning_rate) for trial in base.trials] == [(3e-4, 0.01)]
    assert [figures.model for figures in base.history] == ["base"]


@pytest.mark.parametrize(("stated", "open_one"), [({"embedding_l2": 3e-4}, "learning_rate"), ({"learning_rate": 0.01}, "embedding_l2")])
def test_one_stated_setting_stays(stated: dict[str, float], open_one: str) -> None:
    """Trials differ in what is not stated alone."""
    base = train_base(_noisy_parts(), _tuned()[1].with_training(epochs=1, **stated), ignore)

    (name, value), *_ = stated.items()
    assert {getattr(trial, name) for trial in base.trials} == {value}
    assert len({getattr(trial, open_one) for trial in base.trials}) == len(base.trials) > 1
