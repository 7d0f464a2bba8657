"""The search on data whose right gates are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.data.synthetic import make_tribes
from ihas.metrics import auc
from ihas.models.network import Network
from ihas.models.prediction import GroupedRows, predict, predict_gated
from ihas.routing.router import embed
from ihas.stages.search import search_gates
from ihas.training.plain import train_plain
from ihas.training.trainer import GIVEN_UP_AFTER
from tests.oracle import ignore, solved_tribes, tribes_config

pytestmark = pytest.mark.tf


def _share_open(field: str, tribe: int) -> float:
    solved = solved_tribes(2)
    rows, dim = solved.oracle.parts.test, solved.config.training.embedding_dim
    open_gates = solved.found.gates.open(embed(rows.ids, solved.found.weights.table[:, :dim], rows.layout))
    position = rows.layout.names.index(field)
    member = solved.oracle.tribe[2] == tribe
    return float(open_gates.reshape(len(rows), -1, dim)[member, position].mean())


def test_gates_open_the_taste_of_a_rows_own_tribe():
    """The dimensions of the taste that decides the label stay open."""
    assert _share_open("taste_0", 0) > 0.95
    assert _share_open("taste_1", 1) > 0.95


def test_gates_close_the_taste_of_the_other_tribe():
    """The dimensions of the taste that says nothing about the label are closed."""
    assert _share_open("taste_1", 0) < 0.05
    assert _share_open("taste_0", 1) < 0.05


def test_the_gated_model_comes_near_the_best_reachable_auc_where_the_plain_one_cannot():
    """Gates let a linear model tell which taste counts; without them it stays more than .05 AUC below."""
    solved = solved_tribes(2)
    rows = solved.oracle.parts.test
    plain = Network(rows.layout, solved.config.backbone, solved.config.training.embedding_dim)
    plain.assign(solved.base.weights)
    best = auc(solved.oracle.logits[2], rows.labels)

    assert auc(predict_gated(solved.found.weights, solved.found.gates, rows, solved.config), rows.labels) > best - 0.01
    assert auc(predict(plain, GroupedRows.one_group(rows)), rows.labels) < best - 0.05


def test_the_search_says_that_masks_differ_between_instances():
    """Two tribes need different masks: the gates' variance and mutual information are far from zero."""
    diversity = solved_tribes(2).found.diversity

    assert diversity.distinct_masks >= 2
    assert diversity.mutual_information > 0.2
    assert 0.4 < diversity.kept_fraction < 0.8


def test_the_same_seed_gives_the_same_gates_to_the_bit():
    """Searching again from the same base model repeats every number."""
    solved = solved_tribes(2)

    again = search_gates(solved.oracle.parts, solved.base.weights, solved.config, ignore)

    np.testing.assert_array_equal(again.gates.kernels[0], solved.found.gates.kernels[0])
    np.testing.assert_array_equal(again.weights.table, solved.found.weights.table)


def test_a_cold_start_finds_the_gates_too():
    """Without a trained base model, after an epoch with open gates, the gated model still comes near the best AUC."""
    solved = solved_tribes(2)
    cold = solved.config.model_copy(update={"search": solved.config.search.model_copy(update={"warm_start": False, "epochs": 15})})

    found = search_gates(solved.oracle.parts, solved.base.weights, cold, ignore)

    rows = solved.oracle.parts.test
    assert [figures.model for figures in found.history][:2] == ["warm-up", "search"]
    assert auc(predict_gated(found.weights, found.gates, rows, cold), rows.labels) > auc(solved.oracle.logits[2], rows.labels) - 0.02


def test_a_search_that_wrecks_what_it_starts_from_is_given_up():
    """Where every epoch is far below the plain model, for it learns the opposite, that is kept as it was, every gate open."""
    oracle, config = make_tribes(np.random.default_rng(2), 1, (4_000, 2_000, 10)), tribes_config()
    base = train_plain(oracle.parts, config.with_training(epochs=8), "base", ignore)

    train = oracle.parts.train
    opposite = replace(oracle.parts, train=replace(train, labels=1.0 - train.labels))
    found = search_gates(opposite, base.weights, config.with_training(learning_rate=0.1), ignore)

    assert found.given_up
    assert len(found.history) == GIVEN_UP_AFTER
    assert found.diversity.kept_fraction == 1.0
    np.testing.assert_array_equal(found.weights.table, base.weights.table)
