"""Kinds of backbone that are tried, on tables where the right one is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.synthetic import Pairs, make_pairs
from ihas.errors import BudgetError
from ihas.metrics import auc
from ihas.stages import kinds
from ihas.stages.kinds import KINDS, KindsTried, sample, try_kinds
from ihas.stages.members import multiply_adds
from ihas.training.plain import train_plain
from tests.oracle import ignore
from tests.pairs import svd_auc

pytestmark = pytest.mark.tf

CONFIG = LearningConfig(
    backbone=BackboneConfig(kind="auto"),
    training=TrainingConfig(embedding_dim=4, batch_size=256, learning_rate=0.02, embedding_l2=1e-5, epochs=8),
)


@cache
def _pairs() -> Pairs:
    return make_pairs(np.random.default_rng(4), 60, 40, (12_000, 3_000, 10), noise=1)


@cache
def _tried() -> KindsTried:
    return try_kinds(_pairs().parts, CONFIG, np.inf, ignore)


@pytest.mark.slow
def test_every_kind_is_tried_and_the_best_comes_first() -> None:
    """Each kind has a trial, with what it cost and reached, or several where the settings state no L2 weight."""
    trials = _tried().trials

    assert {trial.kind for trial in trials} == set(KINDS)
    assert len(trials) == len(KINDS)
    assert kinds.stated_or_tried(CONFIG) == (1e-5,)
    assert kinds.stated_or_tried(LearningConfig()) == kinds.WEIGHTS
    assert [trial.auc for trial in trials] == sorted((trial.auc for trial in trials), reverse=True)
    assert all(trial.rows == 12_000 and trial.multiply_adds > 0 and 1 <= trial.epochs <= 8 for trial in trials)


def test_the_chosen_kind_comes_near_the_best_where_only_pairs_tell() -> None:
    """It is within .01 of the best reachable AUC, or within .003 of the better of a factorisation machine and a truncated SVD."""
    pairs, chosen = _pairs(), _tried().resolved(CONFIG)
    best = auc(pairs.logits[1], pairs.parts.valid.labels) or 0.0
    machines = max(trial.auc for trial in _tried().trials if trial.kind == "fm")

    assert chosen.backbone.kind == _tried().trials[0].kind
    assert _tried().trials[0].auc >= min(best - 0.01, max(machines, svd_auc(pairs.parts.train, pairs.parts.valid, 2)) - 0.003)


def test_a_stated_weight_is_the_only_one_tried_and_kinds_keep_within_the_budget() -> None:
    """Under the multiply-adds of the cheapest kind only that is tried, with the L2 weight that the settings state."""
    stated, pairs = CONFIG.with_training(embedding_l2=1e-3, epochs=1), _pairs()
    cost = multiply_adds(pairs.parts.train.layout, kinds.with_kind(CONFIG, "fm"))

    tried = try_kinds(pairs.parts, stated, cost, ignore)

    assert [(trial.kind, trial.embedding_l2, trial.multiply_adds) for trial in tried.trials] == [("fm", 1e-3, cost)]
    with pytest.raises(BudgetError, match=r"at most 3 multiply-adds a row, but the cheapest, `fm`, takes"):
        try_kinds(pairs.parts, stated, 3, ignore)


def test_a_sample_keeps_the_rows_of_a_value_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large table about as many rows as asked for are taken, users with all their rows, and validation rows of these users."""
    monkeypatch.setattr(kinds, "SAMPLE_ROWS", 3_000)
    monkeypatch.setattr(kinds, "FEWEST_VALID", 100)
    parts = _pairs().parts
    some = sample(parts, np.random.default_rng(0))
    users, counts = np.unique(parts.train.ids[:, 0], return_counts=True)

    assert 1_500 <= len(some.train) <= 3_000
    assert len(some.test) == 0
    kept, kept_counts = np.unique(some.train.ids[:, 0], return_counts=True)
    if len(some.train) < 3_000:
        np.testing.assert_array_equal(kept_counts, counts[np.isin(users, kept)])
    assert set(some.valid.ids[:, 0]) <= set(kept)


def test_an_unresolved_kind_is_no_backbone() -> None:
    """`auto` stands for a choice: settings with it build nothing before the choice is made."""
    with pytest.raises(ValueError, match="auto"):
        train_plain(_pairs().parts, CONFIG, "base", ignore)
