"""Laws of every `ihas.layers.overparameterisation.Embedding`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ihas.data.layout import PADDING, FieldLayout
from ihas.layers.embedding import look_up
from ihas.layers.overparameterisation import Embedding
from ihas.legacy_keras import tf

LAYOUT = FieldLayout(("a", "b"), (3, 4), (1, 2))
IDS = np.array([[2, 3, PADDING], [0, 5, 6], [2, 6, 6]], np.int32)
TABLE = np.random.default_rng(0).normal(size=(7, 4))
Make = Callable[[np.ndarray], Embedding]


def _moved(make: Make) -> Embedding:
    """An embedding whose factors are no longer neutral."""
    embedding, rng = make(TABLE), np.random.default_rng(1)
    for factor in embedding.factors:
        factor.assign_add(rng.normal(size=factor.shape) / 4.0)
    return embedding


class EmbeddingContract:
    """Inherit, and give a fixture `make`: from a float64 table over `LAYOUT` to the embedding."""

    def test_starts_as_its_table(self, make: Make) -> None:
        """Before any step it is the table that it was made from, to the bit."""
        np.testing.assert_array_equal(make(TABLE).fold(), TABLE)

    def test_looks_up_what_folding_gives(self, make: Make) -> None:
        """The rows that it looks up are those of the folded table, and the call is answered as the plain table answers it."""
        embedding = _moved(make)
        found, plain = embedding.look_up(tf.constant(IDS)), look_up(embedding.fold(), tf.constant(IDS))
        np.testing.assert_array_equal(found.rows, plain.rows)
        np.testing.assert_allclose(found.values, plain.values, rtol=0, atol=1e-15)

    def test_pulls_gradients_back(self, make: Make) -> None:
        """The gradients of its factors are those that automatic differentiation gives through the folded table; a matrix has the mean."""
        embedding, gradient = _moved(make), np.random.default_rng(2).normal(size=TABLE.shape)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(embedding.fold() * gradient)
        automatic = [tf.convert_to_tensor(part).numpy() for part in tape.gradient(loss, embedding.factors)]
        if automatic[-1].ndim == 3:
            automatic[-1] /= np.array(LAYOUT.vocabulary_sizes)[:, None, None]
        for own, expected in zip(embedding.pull_back(tf.constant(gradient)), automatic, strict=True):
            np.testing.assert_allclose(own, expected, rtol=0, atol=1e-13)

    @pytest.mark.parametrize("rate", [0.01, 0.1])
    def test_descends(self, make: Make, rate: float) -> None:
        """A small step against its gradients lowers a loss of the folded table."""
        embedding = _moved(make)
        before, losses = embedding.fold(), list[float]()
        for step in (0.0, rate / 10.0):
            for factor, gradient in zip(embedding.factors, embedding.pull_back(before), strict=True):
                factor.assign_sub(step * gradient)
            losses.append(float(tf.reduce_sum(embedding.fold() ** 2)))
        assert losses[1] < losses[0]

    def test_starts_again_at_a_table(self, make: Make) -> None:
        """Set to a table it is that table, with the factors it would have been made with."""
        embedding = _moved(make)
        embedding.start_at(tf.constant(2.0 * TABLE))
        np.testing.assert_array_equal(embedding.fold(), 2.0 * TABLE)
        for own, fresh in zip(embedding.factors, make(2.0 * TABLE).factors, strict=True):
            np.testing.assert_array_equal(own, fresh)
