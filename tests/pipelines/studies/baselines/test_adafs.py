"""AdaFS: weights of fields, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BACKBONES
from ihas.legacy_keras import tf
from ihas_pipelines.studies.baselines.adafs import HARD, SOFT, AdaptiveFields, Controller, adaptive_cost, keep_largest
from ihas_pipelines.studies.baselines.baseline import BaselineMethod
from tests.contracts.baseline_method import CONFIG, ORACLE, SEED, BaselineContract, config_of, plain_logits, start, training_logits

pytestmark = pytest.mark.tf

EMBEDDED = tf.constant(np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32))


class TestSoft(BaselineContract):
    """The soft baseline method keeps the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return SOFT


class TestHard(BaselineContract):
    """The hard baseline method keeps the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return HARD


def test_keep_largest_by_hand() -> None:
    """The two largest of .5, .3, .2 become .5 / .8 and .3 / .8."""
    np.testing.assert_allclose(keep_largest(tf.constant([[0.3, 0.2, 0.5]]), 2), [[0.375, 0.0, 0.625]], rtol=1e-6)


def test_equal_weights_still_keep_exactly_k() -> None:
    """Ties are broken, not kept together."""
    np.testing.assert_allclose(keep_largest(tf.fill([1, 4], 0.25), 2), [[0.5, 0.5, 0.0, 0.0]])


@pytest.mark.parametrize("seed", [None, SEED])
def test_weights_of_a_row_sum_to_one_and_differ_between_rows(seed: tf.Tensor | None) -> None:
    """The controller gives every row positive weights of its own that sum to 1."""
    weights = Controller(3, 4, 0)(EMBEDDED, seed).numpy()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-5)
    assert (weights > 0.0).all()
    assert len(np.unique(weights.round(4), axis=0)) == 50


@pytest.mark.parametrize("num_kept", [1, 2, 3])
def test_hard_keeps_exactly_k_fields_of_every_row(num_kept: int) -> None:
    """Every row keeps k fields whose mean weight is 1, and k below all picks other fields for other rows."""
    weights = AdaptiveFields(ORACLE.layout, CONFIG, num_kept, 0).field_weights(EMBEDDED, None).numpy()
    np.testing.assert_array_equal((weights > 0.0).sum(axis=1), num_kept)
    np.testing.assert_allclose(weights.sum(axis=1), num_kept, rtol=1e-5)
    assert (len(np.unique(weights > 0.0, axis=0)) > 1) == (num_kept < 3)


@pytest.mark.parametrize("kind", sorted(BACKBONES))
def test_an_undecided_controller_is_the_plain_model(kind: str) -> None:
    """Equal weights on all fields leave every backbone as it is."""
    network = start(AdaptiveFields(ORACLE.layout, config_of(kind), 3, 0), config_of(kind))
    network.controller.output.kernel.assign(tf.zeros_like(network.controller.output.kernel))
    np.testing.assert_allclose(training_logits(network), plain_logits(config_of(kind)), atol=1e-5)


def test_gradient_reaches_the_controller_and_the_table() -> None:
    """Every number of the controller's last layer, and of the table's rows in use, has a part in the logits."""
    network = AdaptiveFields(ORACLE.layout, CONFIG, 2, 0)
    start(network, CONFIG)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(training_logits_of(network))
    gradients = tape.gradient(total, [network.controller.output.kernel, network.controller.norm.gamma, network.table])
    assert all(np.abs(np.asarray(tf.convert_to_tensor(gradient))).max() > 0.0 for gradient in gradients)


def training_logits_of(network: AdaptiveFields) -> tf.Tensor:
    """Logits of some rows, on the tape."""
    ids = tf.constant(ORACLE.parts.train.ids[:64])
    return network.weighed_logits(network.look_up(ids), ids, SEED)


def test_cost_by_hand() -> None:
    """With 12 elements, 32 units, 3 fields: 48 + 384 + 128 + 99 = 659 numbers more, and 12 + 384 + 96 + 12 multiply-adds more."""
    network = AdaptiveFields(ORACLE.layout, CONFIG, 2, 0)
    cost = adaptive_cost(network, CONFIG)
    plain_parameters, plain_adds = ORACLE.layout.num_rows * 4 + 12 * 8 + 8 + 8 + 1, 12 * 8 + 8
    assert cost.parameters_total == plain_parameters + 659
    assert cost.multiply_adds == plain_adds + 12 + 384 + 96 + 12
    assert cost.kept_dims == 8
