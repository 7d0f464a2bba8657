"""Retraining on data whose best reachable AUC is known."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.metrics import auc
from ihas.models.network import fresh_weights
from ihas.models.prediction import GroupedRows, predict_groups
from ihas.routing.grouping import Grouping, PartGroups
from ihas.stages.retrain import Retraining, is_clearly_better, not_lower, retrain_groups
from ihas.training import parallel
from tests.oracle import ignore, solved_tribes

pytestmark = pytest.mark.tf


def _best_auc() -> float:
    solved = solved_tribes(2)
    return auc(solved.oracle.logits[2], solved.oracle.parts.test.labels)


@pytest.mark.parametrize("num_tribes", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_groups_models_reach_the_best_auc(num_tribes):
    """One linear model per group comes within .01 of the AUC of the true probabilities."""
    solved = solved_tribes(num_tribes)

    assert solved.test_auc() > auc(solved.oracle.logits[2], solved.oracle.parts.test.labels) - 0.01


@pytest.mark.parametrize("mode", ["inherit", "scratch"])
def test_every_mode_reaches_the_best_auc_where_rows_abound(mode):
    """Groups trained alone, from the search's weights or from fresh ones, come within .015 of the best AUC."""
    solved = solved_tribes(2)
    config = solved.config.model_copy(update={"retrain": solved.config.retrain.model_copy(update={"mode": mode, "epochs": 12})})

    result = retrain_groups(Retraining(solved.oracle.parts, solved.grouping, solved.found.weights, config, mode), ignore)

    rows = GroupedRows(solved.oracle.parts.test, solved.grouping.groups.test)
    assert [model.name for model in result.models] == ["group-0", "group-1"]
    assert auc(predict_groups(result.models, rows, config), rows.rows.labels) > _best_auc() - 0.015


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["specialise", "inherit", "scratch"])
def test_groups_trained_beside_each_other_are_those_trained_one_after_another(mode, monkeypatch):
    """Weights, masks, which copies are kept and the epochs are equal to the bit."""
    solved = solved_tribes(3)
    config = solved.config.model_copy(update={"retrain": solved.config.retrain.model_copy(update={"mode": mode, "epochs": 3})})
    retraining = Retraining(solved.oracle.parts, solved.grouping, solved.found.weights, config, mode)
    threads, results = set(), []

    def listen(_):
        threads.add(threading.current_thread().name)

    for at_once in (3, 1):
        monkeypatch.setattr(parallel, "num_threads", lambda at_once=at_once: at_once)
        results.append(retrain_groups(retraining, listen))

    assert {name for name in threads if name.startswith("training")}
    beside, after = results
    assert beside.history == after.history
    for one, other in zip(beside.models, after.models, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.weights.table, other.weights.table)
        assert one.weights.backbone.keys() == other.weights.backbone.keys()
        for name, value in one.weights.backbone.items():
            np.testing.assert_array_equal(value, other.weights.backbone[name])


def test_a_group_reads_only_what_its_mask_keeps():
    """Changing the values of dropped fields changes no score."""
    solved = solved_tribes(2)
    rows, grouping = solved.oracle.parts.test, solved.grouping
    ids = rows.ids.copy()
    for group in range(2):
        for field in np.flatnonzero(~grouping.masks[group].any(axis=1)):
            ids[grouping.groups.test == group, field] = rows.layout.first_rows[field]
    assert (ids != rows.ids).any()

    changed = type(rows)(rows.layout, ids, rows.labels)
    before = predict_groups(solved.retrained.models, GroupedRows(rows, grouping.groups.test), solved.config)
    after = predict_groups(solved.retrained.models, GroupedRows(changed, grouping.groups.test), solved.config)
    np.testing.assert_array_equal(before, after)


def test_an_own_model_is_kept_only_where_validation_is_clear():
    """A group's model must lower its rows' loss by more than a standard error; a tie keeps the shared one, and so does a single row."""
    solved = solved_tribes(2)
    labels, better = solved.oracle.parts.valid.labels, solved.oracle.logits[1]
    shared = np.zeros(len(labels), np.float32)

    assert is_clearly_better(better, shared, labels)
    assert not is_clearly_better(shared, shared, labels)
    assert not is_clearly_better(-better, shared, labels)
    assert not is_clearly_better(better[:1], shared[:1], labels[:1])


def test_an_own_model_must_not_lower_the_pooled_auc():
    """Of four rows in the right order, a tie is let pass and one pair in the wrong order is not."""
    labels = np.array([0.0, 0.0, 1.0, 1.0], np.float32)
    right, wrong = np.array([1.0, 2.0, 3.0, 4.0], np.float32), np.array([1.0, 3.0, 2.0, 4.0], np.float32)

    assert not_lower(right, right, labels)
    assert not_lower(right, wrong, labels)
    assert not not_lower(wrong, right, labels)


@pytest.mark.slow
def test_groups_that_contradict_each_other_keep_their_own_models():
    """The value that one group clicks is the one that the other leaves: a shared model knows nothing, two copies know all."""
    rng, layout, num_tastes = np.random.default_rng(0), FieldLayout(("taste",), (10,), (1,)), 8

    def part(rows: int) -> tuple[Dataset, np.ndarray]:
        taste, group = rng.integers(num_tastes, size=rows), np.arange(rows, dtype=np.int32) % 2
        labels = (taste < num_tastes // 2) ^ (group == 1)
        return Dataset(layout, (2 + taste[:, None]).astype(np.int32), labels.astype(np.float32)), group

    (train, valid, test), groups = zip(*map(part, (4_000, 1_000, 1)), strict=True)
    parts = Splits(train, valid, test)
    config = LearningConfig(
        backbone=BackboneConfig(hidden=()), training=TrainingConfig(embedding_dim=2, epochs=8, learning_rate=0.1, embedding_l2=0.0)
    )
    every = np.ones((2, 1, 2))
    grouping = Grouping("mask", every[:, 0].astype(np.float32), PartGroups(*groups), every.astype(np.float32), (0.5, 0.5), every > 0, ())

    result = retrain_groups(Retraining(parts, grouping, fresh_weights(layout, config, rng), config, "opposed"), ignore)

    assert [model.name for model in result.models] == ["group-0", "group-1"]
    rows = GroupedRows(valid, groups[1])
    assert auc(predict_groups(result.models, rows, config), rows.rows.labels) == 1.0


@pytest.mark.parametrize("mode", ["specialise", "inherit"])
def test_a_group_without_training_rows_keeps_the_weights_it_starts_from(mode):
    """An empty group, which a control can have, neither fails nor trains."""
    solved = solved_tribes(2)
    groups = solved.grouping.groups
    empty = replace(solved.grouping, groups=PartGroups(np.zeros_like(groups.train), groups.valid, groups.test))
    config = solved.config.model_copy(update={"retrain": solved.config.retrain.model_copy(update={"mode": mode, "epochs": 1})})

    result = retrain_groups(Retraining(solved.oracle.parts, empty, solved.found.weights, config, "empty"), ignore)

    assert not [figures for figures in result.history if figures.model.endswith("group-1")]
    if mode == "inherit":
        np.testing.assert_array_equal(result.models[1].weights.table, solved.found.weights.table)
