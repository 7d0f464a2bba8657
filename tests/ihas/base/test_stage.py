"""The plain model and the L2 weight that validation prefers, where the right one is known."""

from __future__ import annotations

from functools import cache

import numpy as np

from ihas.base.stage import DECADES, BaseResult, train_base
from ihas.config import BackboneConfig, LearningConfig, TrainingConfig
from ihas.data.dataset import Dataset, Parts
from ihas.layout import FieldLayout
from tests.oracle import ignore, tribes_config

FEW, VALUES = 600, 300


def _noisy_parts() -> Parts:
    """A field whose two halves of values differ in clicks, and one with as many values as chance needs to be learnt by heart."""
    rng = np.random.default_rng(0)
    layout = FieldLayout(("taste", "name"), (4, VALUES), (1, 1))

    def part(rows: int) -> Dataset:
        taste, name = rng.integers(2, 4, rows), rng.integers(2, VALUES, rows)
        labels = (rng.random(rows) < np.where(taste == 2, 0.3, 0.7)).astype(np.float32)
        return Dataset(layout, np.column_stack([taste, name + 4]).astype(np.int32), labels)

    return Parts(part(FEW), part(4_000), part(4_000))


@cache
def _tuned() -> tuple[BaseResult, LearningConfig]:
    config = LearningConfig(
        backbone=BackboneConfig(hidden=()), training=TrainingConfig(embedding_dim=4, batch_size=64, learning_rate=0.03, epochs=12)
    )
    return train_base(_noisy_parts(), config, ignore), config


def test_every_decade_is_tried_and_two_between():
    """Four decades and those beyond a best at the edge, then half a decade to either side of the best of them."""
    tried = {trial.embedding_l2 for trial in _tuned()[0].trials}

    assert set(DECADES) < tried
    whole = [t for t in _tuned()[0].trials if abs(np.log10(t.embedding_l2) - round(np.log10(t.embedding_l2))) < 1e-6]
    best = max(whole, key=lambda t: t.score).embedding_l2
    assert 4 <= len(whole) == len(tried) - 2 <= 6
    assert {best * 10**0.5, best / 10**0.5} < tried


def test_the_best_trial_comes_first_and_settles_the_settings():
    """Weights and L2 weight are those of the trial with the best validation AUC."""
    base, config = _tuned()

    assert base.trials[0].score == max(trial.score for trial in base.trials)
    assert base.weights is base.trials[0].model.weights
    assert base.settled(config).training.embedding_l2 == base.trials[0].embedding_l2


def test_a_table_that_can_be_learnt_by_heart_wants_a_strong_penalty():
    """Two rows a value: the weakest penalty ranks validation rows worse than the chosen one."""
    trials = {trial.embedding_l2: trial.score for trial in _tuned()[0].trials}

    assert _tuned()[0].trials[0].embedding_l2 > 1e-4
    assert trials[1e-5] < _tuned()[0].trials[0].score - 0.002


def test_a_set_penalty_is_one_trial():
    """What the user states is not searched."""
    config = tribes_config(2)
    fixed = config.with_training(epochs=1, embedding_l2=3e-4)

    base = train_base(_noisy_parts(), fixed, ignore)

    assert [trial.embedding_l2 for trial in base.trials] == [3e-4]
    assert len(base.history) == 1
