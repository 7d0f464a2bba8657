"""Embeddings as products: the exact first steps of the reference, and the laws of every embedding."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.layout import FieldLayout
from ihas.layers.overparameterisation import Embedding, Form, OverparameterisedEmbedding, PlainEmbedding
from ihas.legacy_keras import tf
from tests.contracts.embedding import LAYOUT, TABLE, EmbeddingContract, Make

pytestmark = pytest.mark.tf

RATE = 0.07
FORMS: tuple[Form, ...] = ("scalar", "vector", "matrix")


class TestPlainEmbedding(EmbeddingContract):
    """The plain table."""

    @pytest.fixture
    def make(self) -> Make:
        """From a table."""
        return lambda table: PlainEmbedding(tf.Variable(table))


class TestOverparameterisedEmbedding(EmbeddingContract):
    """Three columns as a product, the last one plain."""

    @pytest.fixture(params=FORMS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        """From a table."""
        return lambda table: OverparameterisedEmbedding(table, LAYOUT, 3, request.param)


def _one_row(form: Form) -> tuple[OverparameterisedEmbedding, np.ndarray, np.ndarray, np.ndarray]:
    """A field of one row of four dimensions away from its start: embedding, row p^, factor, gradient G of the folded row."""
    rng = np.random.default_rng(5)
    embedding = OverparameterisedEmbedding(rng.normal(size=(1, 4)), FieldLayout(("a",), (1,), (1,)), 4, form)
    embedding.factor.assign_add(rng.normal(size=embedding.factor.shape))
    return embedding, embedding.rows.numpy()[0], embedding.factor.numpy()[0], rng.normal(size=4)


def _step(embedding: Embedding, gradient: np.ndarray) -> np.ndarray:
    """The folded row after one step of gradient descent on the factors."""
    for factor, own in zip(embedding.factors, embedding.pull_back(tf.constant(gradient[None])), strict=True):
        factor.assign_sub(RATE * own)
    return np.asarray(embedding.fold())[0]


def test_scalar_step() -> None:
    """p - eta a^2 G - eta (p.G)/a^2 p + eta^2 (p^.G) a G, to 1e-12."""
    embedding, hat, (a,), gradient = _one_row("scalar")
    p = a * hat
    expected = p - RATE * a**2 * gradient - RATE * (p @ gradient) / a**2 * p + RATE**2 * (hat @ gradient) * a * gradient
    np.testing.assert_allclose(_step(embedding, gradient), expected, rtol=0, atol=1e-12)


def test_vector_step() -> None:
    """p - eta (w^2 + p^^2) G + eta^2 w p^ G^2 element by element, to 1e-12."""
    embedding, hat, w, gradient = _one_row("vector")
    expected = w * hat - RATE * (w**2 + hat**2) * gradient + RATE**2 * w * hat * gradient**2
    np.testing.assert_allclose(_step(embedding, gradient), expected, rtol=0, atol=1e-12)


def test_matrix_step() -> None:
    """p - eta |p^|^2 G - eta (G W^T) W + eta^2 (G W^T . p^) G, to 1e-12."""
    embedding, hat, weights, gradient = _one_row("matrix")
    back = gradient @ weights.T
    expected = hat @ weights - RATE * (hat @ hat) * gradient - RATE * back @ weights + RATE**2 * (back @ hat) * gradient
    np.testing.assert_allclose(_step(embedding, gradient), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_fields_have_factors_of_their_own(form: Form) -> None:
    """A gradient on one field's rows leaves the other field as it is, factor and rows."""
    embedding, gradient = OverparameterisedEmbedding(TABLE, LAYOUT, 3, form), np.zeros_like(TABLE)
    gradient[:3] = 1.0
    rows, factor = (part.numpy() for part in embedding.pull_back(tf.constant(gradient)))
    assert not rows[3:].any()
    first = slice(1) if form == "matrix" else slice(3)
    assert not np.delete(factor, first, axis=0).any()
    assert rows[:3].all()
    assert factor[first].any()
