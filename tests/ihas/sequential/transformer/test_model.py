"""The sequential transformer: what it may see, what it counts, and its form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ihas.config.transformer import TransformerConfig
from ihas.errors import ConfigError
from ihas.legacy_keras import tf
from ihas.sequential.transformer.model import Transformer

pytestmark = pytest.mark.tf

CONFIG = TransformerConfig(max_length=6, num_layers=2, dim=8, num_heads=2)


def _network(config: TransformerConfig = CONFIG, num_items: int = 10) -> Transformer:
    network, rng = Transformer(num_items, config, np.random.default_rng(0)), np.random.default_rng(1)
    for variable in network.named_variables().values():
        variable.assign_add(rng.normal(0.0, 0.3, variable.shape).astype(np.float32))
    return network


@pytest.mark.parametrize(
    ("layers", "dim", "stated"),
    [(2, 64, 98_304), (4, 128, 786_432), (8, 128, 1_572_864), (12, 256, 9_437_184), (24, 512, 75_497_472), (48, 1200, 829_440_000)],
)
def test_parameters_are_those_that_the_paper_states(layers: int, dim: int, stated: int) -> None:
    """98.3K, 786K, 1.57M, 9.44M, 75.5M and 829M are 12 L d^2 exactly."""
    assert TransformerConfig(num_layers=layers, dim=dim).num_parameters == stated


@given(st.integers(1, 3), st.integers(1, 4))
def test_parameters_are_those_of_the_kernels(layers: int, quarter: int) -> None:
    """12 L d^2 counts every number of the layers' kernels and nothing else."""
    config = TransformerConfig(num_layers=layers, dim=4 * quarter)
    kernels = [value for name, value in Transformer(5, config, np.random.default_rng(0)).weights().items() if name.endswith("/kernel")]
    assert sum(kernel.size for kernel in kernels) == config.num_parameters


def test_sees_no_later_item() -> None:
    """Changing an item, or padding after it, changes no state before it, and changes its own."""
    network = _network()
    items = np.array([[1, 2, 3, 4, 5]], np.int32)
    states = network.states(tf.constant(items), None).numpy()
    for changed in ([[1, 2, 3, 9, 5]], [[1, 2, 3, -1, -1]]):
        found = network.states(tf.constant(np.array(changed, np.int32)), None).numpy()
        np.testing.assert_array_equal(found[0, :3], states[0, :3])
        assert (found[0, 3] != states[0, 3]).any()


def test_padding_changes_no_score() -> None:
    """A history scores the same alone and in a batch with longer ones; an empty one scores every item alike."""
    network = _network()
    together = network.scores(np.array([[1, 2, -1, -1], [3, 4, 5, 6], [-1, -1, -1, -1]], np.int32)).numpy()
    np.testing.assert_allclose(network.scores(np.array([[1, 2]], np.int32)).numpy()[0], together[0], rtol=1e-5, atol=1e-5)
    assert not together[2].any()


def test_order_matters() -> None:
    """The same items in another order score otherwise, so that places are read."""
    network = _network()
    scores = network.scores(np.array([[1, 2, 3], [2, 1, 3]], np.int32)).numpy()
    assert np.abs(scores[0] - scores[1]).max() > 1e-3


@pytest.mark.parametrize(("scale_embedding", "factor"), [(True, 2.0), (False, 1.0)])
def test_by_numpy(scale_embedding: bool, factor: float) -> None:
    """One layer of one head, computed step by step in float64, gives the same scores."""
    config = TransformerConfig(max_length=4, num_layers=1, dim=4, num_heads=1, scale_embedding=scale_embedding)
    network = _network(config, 6)
    w = {name: value.astype(np.float64) for name, value in network.weights().items()}
    items = [2, 5, 1]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * w[f"{name}/gain"] + w[f"{name}/bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"layer_0/{name}/kernel"] + w[f"layer_0/{name}/bias"]

    x = factor * w["items"][items] + w["places"][:3]
    query, key, value = np.split(linear(norm(x, "layer_0/attention/norm"), "attention/in"), 3, axis=1)
    logits = np.where(np.tril(np.ones((3, 3))) > 0, query @ key.T / 2.0, -np.inf)
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    x = x + linear(weights @ value, "attention/out")
    hidden = linear(norm(x, "layer_0/hidden/norm"), "hidden/in")
    gelu = 0.5 * hidden * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (hidden + 0.044715 * hidden**3)))
    x = x + linear(gelu, "hidden/out")
    expected = norm(x, "norm")[-1] @ w["items"].T
    np.testing.assert_allclose(network.scores(np.array([items], np.int32)).numpy()[0], expected, rtol=1e-4, atol=1e-4)


def test_dropout_falls_from_layer_to_layer() -> None:
    """Rates lie on the line from the first to the last; a single layer has the first; the network's layers have theirs."""
    config = TransformerConfig(num_layers=5, dropout_first=0.5, dropout_last=0.1)
    assert [config.dropout(layer) for layer in range(5)] == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1])
    assert [layer.rate for layer in Transformer(3, config, np.random.default_rng(0)).layers] == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1])
    assert TransformerConfig(num_layers=1, dropout_first=0.5, dropout_last=0.1).dropout(0) == 0.5


def test_dropout_is_for_training() -> None:
    """With a seed states vary by the seed and are the same for the same one; without they do not vary."""
    network, items = _network(), tf.constant([[1, 2, 3]])
    first, again, other = (network.states(items, tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [3, 4]))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(network.states(items, None), network.states(items, None))


def test_weights_survive() -> None:
    """Weights taken from one network make another score the same; other shapes are refused."""
    one, other = _network(), Transformer(10, CONFIG, np.random.default_rng(9))
    other.assign(one.weights())
    asked = np.array([[1, 2, 3]], np.int32)
    np.testing.assert_array_equal(one.scores(asked), other.scores(asked))
    with pytest.raises(ConfigError, match="names and shapes"):
        Transformer(11, CONFIG, np.random.default_rng(9)).assign(one.weights())


def test_heads_divide() -> None:
    """Three heads do not divide eight values."""
    with pytest.raises(ValidationError, match="`num_heads` must divide `dim`"):
        TransformerConfig(dim=8, num_heads=3)
