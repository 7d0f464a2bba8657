"""Several labels learnt by one network, by hand: a linear model of one field with one dimension."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits, joined
from ihas.data.layout import FieldLayout
from ihas.metrics import row_losses, sigmoid
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.training.plain import by_task, continue_plain, train_plain
from ihas.training.steps import EpochStep
from ihas.training.trainer import Trainer, targets_of, task_scale
from tests.oracle import ignore

pytestmark = pytest.mark.tf

NAN = float("nan")
WEIGHT, RATE = 3.0, 0.1
LAYOUT = FieldLayout(("user",), (4,), (1,))
IDS = np.array([[0], [1], [2], [3], [1], [2]], np.int32)
CLICKS = np.array([0, 1, 1, 0, 0, 1], np.float32)
BOUGHT = np.array([NAN, 1, 0, NAN, 1, NAN], np.float32)
ROWS = Dataset(LAYOUT, IDS, CLICKS, tasks=BOUGHT[:, None], task_weights=(WEIGHT,))
KNOWN = ~np.isnan(BOUGHT)


def _config(members: int = 1, hidden: tuple[int, ...] = (), **training: object) -> LearningConfig:
    settings = {"embedding_dim": members, "learning_rate": RATE, "embedding_l2": 0.0, "batch_size": 6, "optimizer": "sgd", **training}
    backbone = BackboneConfig(hidden=hidden, members=members, batch_norm=False)
    return LearningConfig(backbone=backbone, training=TrainingConfig.model_validate(settings))


def _trainer(config: LearningConfig, rows: Dataset = ROWS) -> Trainer:
    rng = np.random.default_rng(3)
    network = Network(LAYOUT, config.backbone, config.training.embedding_dim, heads=rows.num_tasks)
    fresh = fresh_weights(LAYOUT, config, rng, rows.num_tasks)
    network.assign(NetworkWeights(rng.normal(size=fresh.table.shape).astype(np.float32), fresh.backbone))
    return Trainer(network, config.training, rng)


def _logits(weights: NetworkWeights, config: LearningConfig) -> np.ndarray:
    network = Network(LAYOUT, config.backbone, config.training.embedding_dim)
    network.assign(weights)
    return predict(network, GroupedRows.one_group(ROWS))


def test_the_loss_is_the_sum_of_means_over_the_rows_known() -> None:
    """Click: the mean over six rows. Purchase: three times the mean over the three rows where it is known."""
    trainer, config = _trainer(_config()), _config()
    first, (backbone,) = by_task(trainer.network.weights(), 2)
    click, bought = _logits(first, config), _logits(NetworkWeights(first.table, backbone), config)
    expected = row_losses(click, CLICKS).mean() + WEIGHT * row_losses(bought[KNOWN], BOUGHT[KNOWN]).mean()
    assert trainer.run_epoch(GroupedRows.one_group(ROWS), RATE) == pytest.approx(expected, rel=1e-5)


def test_a_step_is_that_of_the_gradient_by_hand() -> None:
    """Gradient descent on all six rows at once: every number moves by the rate times the gradient of the loss above."""
    trainer = _trainer(_config())
    before = trainer.network.weights()
    table, kernel, bias = before.table[:, 0], before.backbone["output/kernel"][0], before.backbone["output/bias"]
    trainer.run_epoch(GroupedRows.one_group(ROWS), RATE)
    after = trainer.network.weights()
    e = table[IDS[:, 0]]
    errors = np.stack([sigmoid(e * kernel[0] + bias[0]) - CLICKS, sigmoid(e * kernel[1] + bias[1]) - np.nan_to_num(BOUGHT)])
    slopes = errors * np.stack([np.full(6, 1 / 6), WEIGHT * KNOWN / KNOWN.sum()])
    np.testing.assert_allclose(after.backbone["output/bias"], bias - RATE * slopes.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(after.backbone["output/kernel"][0], kernel - RATE * slopes @ e, rtol=1e-5)
    moved = np.bincount(IDS[:, 0], kernel @ slopes, minlength=4)
    np.testing.assert_allclose(after.table[:, 0], table - RATE * moved, rtol=1e-5)


@pytest.mark.parametrize("members", [1, 2])
def test_training_equals_training_on_the_rows_known(members: int) -> None:
    """What a label teaches is what it teaches alone, on its own rows."""
    config = _config(members, (3,), embedding_dim=2 * members)
    both, alone = _trainer(config), _trainer(config)
    first, (backbone,) = by_task(both.network.weights(), 2)
    loss = both.run_epoch(GroupedRows.one_group(ROWS), RATE)
    losses = []
    for weights, rows in ((first.backbone, ROWS), (backbone, ROWS.take(KNOWN))):
        labels = CLICKS if rows is ROWS else BOUGHT[KNOWN]
        one = Dataset(LAYOUT, rows.ids, labels)
        alone = _trainer(config, one)
        alone.network.assign(NetworkWeights(first.table, weights))
        losses.append(alone.run_epoch(GroupedRows.one_group(one), RATE))
    assert loss == pytest.approx(losses[0] + WEIGHT * losses[1], rel=1e-5)


def test_labels_and_weights_of_a_batch() -> None:
    """A missing label counts nothing, a known one its share's inverse; weights of rows multiply both labels and are what shares are of."""
    labels, weights = targets_of(ROWS, task_scale(ROWS))
    assert weights is not None
    np.testing.assert_array_equal(labels, np.stack([CLICKS, np.nan_to_num(BOUGHT)], axis=1))
    np.testing.assert_allclose(weights, np.stack([np.ones(6), 2 * WEIGHT * KNOWN], axis=1))
    heavy = replace(ROWS, weights=np.array([1, 2, 1, 1, 1, 0], np.float32))
    weighted = targets_of(heavy, task_scale(heavy))[1]
    assert weighted is not None
    np.testing.assert_allclose(weighted[:, 0], heavy.weights)
    np.testing.assert_allclose(weighted[:, 1], WEIGHT * 6 / 4 * KNOWN * np.array([1, 2, 1, 1, 1, 0]))


def test_further_labels_go_where_rows_go() -> None:
    """Chosen, in blocks, and joined."""
    np.testing.assert_array_equal(ROWS.take(np.array([4, 0])).tasks, BOUGHT[[4, 0], None])
    np.testing.assert_array_equal(ROWS.block(1, 3).tasks, BOUGHT[1:3, None])
    both = joined(ROWS, ROWS)
    np.testing.assert_array_equal(both.tasks, np.concatenate([BOUGHT, BOUGHT])[:, None])
    assert (both.num_tasks, both.task_weights, Dataset(LAYOUT, IDS, CLICKS).num_tasks) == (2, (WEIGHT,), 1)


@pytest.mark.parametrize("members", [1, 2])
def test_a_plain_model_has_a_backbone_for_each_label(members: int) -> None:
    """They share the table and all layers but the last, and training goes on from both."""
    config = _config(members, (3,), embedding_dim=2 * members, epochs=3, optimizer="adam")
    parts = Splits(ROWS, ROWS, ROWS)
    model = train_plain(parts, config, "base", ignore)
    (other,) = model.heads
    assert set(other) == set(model.weights.backbone)
    for name, value in other.items():
        shared = not name.endswith(("output/kernel", "output/bias"))
        assert np.array_equal(value, model.weights.backbone[name]) == shared, name
    again = continue_plain(parts, model, config, "base", ignore)
    assert len(again.heads) == 1


def test_training_is_repeated_with_every_label() -> None:
    """As a model is that is trained once more: the same epochs give the same weights of both."""
    steps = (EpochStep(RATE, from_average=False, begins=True), EpochStep(RATE, from_average=False, begins=False))
    trained = []
    for _ in range(2):
        trainer = _trainer(_config(1, (3,)))
        trainer.repeat(steps, GroupedRows.one_group(ROWS))
        trained.append(trainer.network.weights())
    for name, value in trained[0].backbone.items():
        np.testing.assert_array_equal(value, trained[1].backbone[name])
    assert trained[0].backbone["output/kernel"].shape == (3, 2)
