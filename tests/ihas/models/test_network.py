"""Embedding, masks or gates, and backbone, as one network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.layout import PADDING, FieldLayout
from ihas.layers.gate_penalties import gate_penalty
from ihas.layers.gates import BernoulliGates
from ihas.legacy_keras import tf
from ihas.models.network import Network, NetworkWeights, fresh_weights, table_width
from ihas.routing.router import embed

pytestmark = pytest.mark.tf

LAYOUT, DIM = FieldLayout(("a", "b"), (3, 4), (1, 2)), 2
IDS = np.array([[0, 3, 5], [1, 4, PADDING], [2, 6, 3], [1, PADDING, PADDING]], np.int32)
GROUP = np.array([0, 1, 1, 0], np.int32)
MASKS = np.array([[1, 0, 1, 1], [0, 1, 0, 1]], bool)


def _weights(config: BackboneConfig, width: int = DIM) -> NetworkWeights:
    """Random weights of visible size."""
    rng, learning = np.random.default_rng(0), LearningConfig(backbone=config, training=TrainingConfig(embedding_dim=DIM))
    fresh = fresh_weights(LAYOUT, learning, rng)
    return NetworkWeights(rng.normal(size=(LAYOUT.num_rows, width)).astype(np.float32), fresh.backbone)


def _network(gates: BernoulliGates | None = None, masks: np.ndarray | None = None, **settings: Any) -> Network:
    config = BackboneConfig(**{"hidden": (5,), "batch_norm": False} | settings)
    network = Network(LAYOUT, config, DIM, gates)
    network.assign(_weights(config), masks)
    return network


def _gates(**settings: Any) -> BernoulliGates:
    """Gates that are open for some rows and closed for others."""
    rng = np.random.default_rng(3)
    gates = BernoulliGates(LAYOUT.num_fields, DIM, SearchConfig(**settings), rng)
    for variable in (*gates.kernels, *gates.biases):
        variable.assign(rng.normal(size=variable.shape).astype(np.float32))
    return gates


def _all_groups(network: Network, ids: np.ndarray = IDS) -> np.ndarray:
    return np.asarray(network.predict(ids, np.zeros(len(ids), np.int32)))


def test_linear_network_by_hand() -> None:
    """logit = w . (e * m) + b: (1, 2) and the mean (4, 5) of two values, the mask (1, 0, 1, 1), w = (1, 10, 100, 1000), b = 7."""
    layout = FieldLayout(("a", "b"), (1, 2), (1, 2))
    network = Network(layout, BackboneConfig(batch_norm=False, hidden=()), 2)
    backbone = {"output/kernel": np.array([[1], [10], [100], [1000]]), "output/bias": np.array([7])}
    network.assign(NetworkWeights(np.array([[1, 2], [3, 4], [5, 6]], np.float32), backbone), np.array([[1, 0, 1, 1]]))
    assert network.predict(np.array([[0, 1, 2]], np.int32), np.zeros(1, np.int32)).numpy().tolist() == [1 + 400 + 5000 + 7]


def test_each_group_has_its_mask() -> None:
    """A row is scored under the mask of its group."""
    network = _network(masks=MASKS)
    expected = network.predict_masked(IDS, MASKS[GROUP].astype(np.float32)).numpy()
    np.testing.assert_allclose(network.predict(IDS, GROUP), expected, rtol=1e-6)
    assert (np.abs(network.predict(IDS, 1 - GROUP).numpy() - expected) > 1e-4).all()


def test_without_masks_all_is_kept() -> None:
    """No masks means one group that keeps every dimension; masks may also be given as (num_groups, num_fields, dim)."""
    plain, shaped = _network(), _network(masks=np.ones((3, 2, DIM), bool))
    np.testing.assert_allclose(_all_groups(plain), plain.predict_masked(IDS, np.ones((4, 4), np.float32)), rtol=1e-6)
    np.testing.assert_allclose(shaped.predict(IDS, GROUP + 1), _all_groups(plain), rtol=1e-6)


def test_dropped_dimensions_do_not_matter() -> None:
    """Other numbers in the dropped columns of the table change no score."""
    network = _network(masks=np.array([[0, 1, 0, 1]], bool))
    before, table = _all_groups(network), network.table.numpy()
    table[:, 0] += 9.0
    network.table.assign(table)
    np.testing.assert_array_equal(_all_groups(network), before)


def test_a_batch_is_its_rows() -> None:
    """Rows scored together score as they do one by one."""
    network = _network(masks=MASKS)
    alone = [network.predict(IDS[i : i + 1], GROUP[i : i + 1]).numpy()[0] for i in range(len(IDS))]
    np.testing.assert_allclose(network.predict(IDS, GROUP), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ["full", "field", "mlp"])
def test_gated_rows_have_their_own_masks(form: str) -> None:
    """With gates each row is scored under its own deterministic gates, which are those that routing opens."""
    gates = _gates(gate=form)
    network = _network(gates)
    opened = gates.freeze().open(embed(IDS, network.table.numpy(), LAYOUT))
    assert len(np.unique(opened, axis=0)) > 1
    np.testing.assert_allclose(_all_groups(network), network.predict_masked(IDS, opened.astype(np.float32)), rtol=1e-5, atol=1e-6)


def test_gates_stay_open_until_sampling_begins() -> None:
    """Without sampling every gate is open, in training as elsewhere, and there is no penalty."""
    network = _network(_gates())
    network.sampling.assign(False)
    expected = _all_groups(_network())
    np.testing.assert_allclose(_all_groups(network), expected, rtol=1e-6)
    logits, penalty = network.train_logits(network.look_up(IDS), tf.constant(IDS), tf.constant(GROUP), tf.constant([1, 2]))
    np.testing.assert_allclose(logits, expected, rtol=1e-6)
    assert float(penalty) == 0.0


def test_training_logits_without_gates_are_the_predicted_ones() -> None:
    """Without gates and dropout a training batch is scored as any other, under the groups' masks and without penalty."""
    network = _network(masks=MASKS)
    logits, penalty = network.train_logits(network.look_up(IDS), tf.constant(IDS), tf.constant(GROUP), tf.constant([1, 2]))
    np.testing.assert_allclose(logits, network.predict(IDS, GROUP), rtol=1e-6)
    assert float(penalty) == 0.0


def test_training_samples_gates_and_asks_for_their_penalty() -> None:
    """A training batch is scored under gates drawn from its seed, and the penalty is that of the gate logits."""
    gates = _gates(standardize=False, strength=0.5)
    network, seed = _network(gates), tf.constant([1, 2])
    logits, penalty = network.train_logits(network.look_up(IDS), tf.constant(IDS), tf.constant(GROUP), seed)
    gate_logits = gates.logits(tf.constant(embed(IDS, network.table.numpy(), LAYOUT)), training=False)
    drawn = gates.sample(gate_logits, seed)
    np.testing.assert_allclose(logits, network.predict_masked(IDS, drawn), rtol=1e-5, atol=1e-6)
    assert float(penalty) == pytest.approx(float(gate_penalty(gate_logits, gates.config)), rel=1e-5)


def test_weights_round_trip() -> None:
    """Weights taken from one network make another answer alike, whatever it held before."""
    one, other = _network(batch_norm=True), Network(LAYOUT, BackboneConfig(hidden=(5,), batch_norm=True), DIM)
    other.assign(one.weights())
    np.testing.assert_array_equal(_all_groups(one), _all_groups(other))


def test_trainable_variables() -> None:
    """Kernels, biases and gates are trained; running statistics, masks and the table's own update are not among them."""
    plain, gated = _network(batch_norm=True), _network(_gates(gate="mlp"), batch_norm=True)
    shapes = [(4, 5), (5,), (5,), (5, 1), (1,)]  # kernel, gamma and beta; kernel and bias of the output
    assert [tuple(variable.shape) for variable in plain.dense_variables] == shapes
    assert [tuple(variable.shape) for variable in gated.dense_variables][len(shapes) :] == [(4, 32), (32, 4), (32,), (4,)]


def test_fresh_weights_are_a_function_of_the_stream() -> None:
    """The same stream draws the same weights; the embedding is normal with the stated deviation; biases are zero."""
    layout = FieldLayout(("a",), (20_000,), (1,))
    config = LearningConfig(training=TrainingConfig(embedding_dim=2, initial_deviation=0.003))
    one, again, other = (fresh_weights(layout, config, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.table, again.table)
    assert all((one.backbone[name] == again.backbone[name]).all() for name in one.backbone)
    assert (one.backbone["output/kernel"] != other.backbone["output/kernel"]).any()
    assert one.table.std() == pytest.approx(0.003, rel=0.03)
    assert one.table.dtype == np.float32
    assert not one.backbone["output/bias"].any()


@pytest.fixture
def first_order() -> LearningConfig:
    """Settings under which the backbone is a factorisation machine."""
    return LearningConfig(backbone=BackboneConfig(batch_norm=False, kind="fm"), training=TrainingConfig(embedding_dim=DIM))


def test_first_order_weights_are_the_last_column(first_order: LearningConfig) -> None:
    """A factorisation machine's table has one more column; a multi-valued cell's weight is the mean of its values' weights."""
    assert table_width(first_order) == DIM + 1
    assert fresh_weights(LAYOUT, first_order, np.random.default_rng(0)).table.shape == (LAYOUT.num_rows, DIM + 1)
    weights = _weights(first_order.backbone, DIM + 1)
    network = Network(LAYOUT, first_order.backbone, DIM)
    network.assign(weights)
    embedded, own = (embed(IDS, table, LAYOUT).reshape(4, 2, -1) for table in (weights.table[:, :DIM], weights.table[:, DIM:]))
    expected = own.sum(axis=(1, 2)) + (embedded[:, 0] * embedded[:, 1]).sum(axis=1)
    np.testing.assert_allclose(_all_groups(network), expected, rtol=1e-4, atol=1e-5)


def test_masks_leave_first_order_weights_alone(first_order: LearningConfig) -> None:
    """A group that keeps no dimension of a field still has the field's first-order weights, and no product with it."""
    weights = _weights(first_order.backbone, DIM + 1)
    network = Network(LAYOUT, first_order.backbone, DIM)
    network.assign(weights, np.array([[1, 1, 0, 0]], bool))
    np.testing.assert_allclose(_all_groups(network), embed(IDS, weights.table[:, DIM:], LAYOUT).sum(axis=1), rtol=1e-4, atol=1e-5)
