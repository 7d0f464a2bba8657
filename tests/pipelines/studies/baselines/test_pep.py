"""PEP: numbers of the table below a learnt threshold."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BACKBONES
from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.legacy_keras import tf
from ihas_pipelines.studies.baselines.baseline import BaselineMethod
from ihas_pipelines.studies.baselines.pep import MaskedTable, SoftThreshold, kept_dims, pruned_cost, soft_threshold
from ihas_pipelines.studies.baselines.registry import BASELINES
from tests.contracts.baseline_method import CONFIG, ORACLE, BaselineContract, config_of, plain_logits, start, training_logits

pytestmark = pytest.mark.tf

ROWS = ORACLE.layout.num_rows
SIZES = {"table": (1, 1), "dimension": (1, 4), "field": (3, 4), "row": (ROWS, 4)}


class TestPEP(BaselineContract):
    """The baseline method keeps the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return BASELINES["pep"]


def test_soft_threshold_by_hand() -> None:
    """Numbers move towards zero by the threshold and stop there."""
    np.testing.assert_allclose(soft_threshold(tf.constant([0.5, -0.3, 0.1, -0.2]), 0.2), [0.3, -0.1, 0.0, 0.0], atol=1e-7)


def test_gradient_of_the_threshold_by_hand() -> None:
    """d v' / d s = -sign(v) sigmoid(s) (1 - sigmoid(s)) where v survives: with s = 0, .9 gives -1/4, -.8 gives 1/4, .1 gives 0."""
    network = SoftThreshold(ORACLE.layout, CONFIG, "dimension", 0.0)
    table = np.zeros((ROWS, 4), np.float32)
    table[0] = [0.9, -0.8, 0.1, 0.0]
    network.table.assign(table)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network.prune(network.look_up(tf.constant([[0]]))))
    np.testing.assert_allclose(tape.gradient(total, network.strength), [[-0.25, 0.25, 0.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize("per", sorted(SIZES))
def test_keeps_what_its_threshold_leaves(per: str) -> None:
    """Whatever has a threshold of its own, the mask is where the pruned table is not zero, and it is |v| > sigmoid(s)."""
    network = SoftThreshold(ORACLE.layout, CONFIG, per, 0.0)
    start(network, CONFIG)
    network.strength.assign(np.random.default_rng(0).normal(size=SIZES[per]).astype(np.float32))
    every_row = network.look_up(tf.range(ROWS)[:, None])
    np.testing.assert_array_equal(network.kept(), network.prune(every_row).numpy() != 0.0)
    thresholds = 1.0 / (1.0 + np.exp(-network.strength.numpy()))
    owner = {"field": np.repeat(np.arange(3), ORACLE.layout.vocabulary_sizes), "row": np.arange(ROWS)}.get(per, np.zeros(ROWS, int))
    np.testing.assert_array_equal(network.kept(), np.abs(network.table.numpy()) > thresholds[owner])
    assert 0.0 < network.kept().mean() < 1.0


@pytest.mark.parametrize("kind", sorted(BACKBONES))
def test_a_threshold_of_zero_is_the_plain_model(kind: str) -> None:
    """With nothing pruned, by threshold or by mask, every backbone is what it was."""
    config = config_of(kind)
    networks = [SoftThreshold(ORACLE.layout, config, "row", -40.0), MaskedTable(ORACLE.layout, config, np.ones((ROWS, 4), bool))]
    for network in networks:
        np.testing.assert_allclose(training_logits(start(network, config)), plain_logits(config), atol=1e-5)


def test_masked_numbers_are_zeros() -> None:
    """A mask equals a table with zeros in its place; in a backbone with first-order weights, those stay."""
    config, mask = config_of("deepfm"), np.random.default_rng(1).random((ROWS, 4)) < 0.5
    network = start(MaskedTable(ORACLE.layout, config, mask), config)
    table = network.table.numpy() * np.column_stack([mask, np.ones(ROWS)])
    np.testing.assert_allclose(training_logits(network), plain_logits(config, table), atol=1e-5)


def test_parameters_are_the_numbers_that_are_not_zero() -> None:
    """The count of what is stored is that of the mask, of the first-order weights and of the backbone."""
    mask, config = np.random.default_rng(2).random((ROWS, 4)) < 0.3, config_of("deepfm")
    network = start(MaskedTable(ORACLE.layout, config, mask), config)
    read = network.prune(network.look_up(tf.range(ROWS)[:, None])).numpy()
    cost = pruned_cost(network, mask, ORACLE.parts.train)
    assert cost.parameters_total == np.count_nonzero(read) + ROWS + (12 * 4 + 4) + (4 + 1)


def test_kept_dims_by_hand() -> None:
    """A value of three kept dims, and a cell of values with one and two: 3 + 1.5, beside a row with an empty cell, 3."""
    layout = FieldLayout(("one", "many"), (2, 3), (1, 2))
    mask = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0], [1, 1, 0]], bool)
    rows = Dataset(layout, np.array([[1, 3, 4], [1, -1, -1]], np.int32), np.zeros(2, np.float32))
    assert kept_dims(mask, rows) == pytest.approx((4.5 + 3.0) / 2)
