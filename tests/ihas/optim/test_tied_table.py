"""A table whose rows are multiples of learnt ones."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FIRST_VALUE, LEVELS, CategoricalEncoder, VectorEncoder, level_values
from ihas.layers.overparameterisation import Form, OverparameterisedEmbedding
from ihas.optim.table_optimizer import TableAdam
from ihas.optim.tied_table import TiedTable, learnt_layout, ties_of
from ihas.optim.update_rules import TableDescent

pytestmark = pytest.mark.tf

DIM, WIDTH = 3, 2
ENCODER = Encoder(
    fields=(
        CategoricalEncoder(name="user", role="context", values=("a", "b")),
        VectorEncoder(name="picture", role="context", means=(0.0,) * DIM, scales=(1.0,) * DIM),
        CategoricalEncoder(name="place", role="context", values=("c",)),
    )
)
LAYOUT = ENCODER.layout


def _tied(values: np.ndarray) -> TiedTable:
    return TiedTable(values, LAYOUT, lambda table, _: TableAdam(table, 0.01))


def _of_the_form(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A learnt table, and the rows of all ids."""
    learnt = rng.normal(size=(learnt_layout(LAYOUT).num_rows, WIDTH)).astype(np.float32)
    source, scale = ties_of(LAYOUT)
    return learnt, learnt[source] * scale[:, None]


def test_every_id_has_its_row() -> None:
    """Levels of a number share its row, times the level's value; all other ids have their own."""
    source, scale = ties_of(LAYOUT)
    assert (LAYOUT.num_rows, learnt_layout(LAYOUT).vocabulary_sizes) == (4 + 2 + DIM * LEVELS + 3, (4, 2 + DIM, 3))
    first = int(LAYOUT.first_rows[1]) + FIRST_VALUE
    for number in range(DIM):
        levels = slice(first + LEVELS * number, first + LEVELS * (number + 1))
        assert set(source[levels].tolist()) == {4 + FIRST_VALUE + number}
        np.testing.assert_array_equal(scale[levels], level_values(DIM))
    others = np.r_[0:first, LAYOUT.first_rows[2] : LAYOUT.num_rows]
    assert len(set(source[others].tolist())) == len(others)
    assert (scale[others] == 1.0).all()


def test_a_step_is_the_step_of_the_learnt_rows() -> None:
    """Read, changed and settled, the table is that of Adam on W under the summed gradients of its levels."""
    rng = np.random.default_rng(0)
    learnt, values = _of_the_form(rng)
    tied, alone = _tied(values), TableAdam(learnt, 0.01)
    rows = [{"user": "a", "picture": [0.3, -2.0, 9.0]}, {"picture": [0.3, 0.3, 0.3], "place": "c"}, {"user": "b"}]
    ids, (source, scale) = ENCODER.encode_rows(rows), ties_of(LAYOUT)
    own, factor = np.where(ids < 0, ids, source[ids]), np.where(ids < 0, 0.0, scale[ids]).reshape(-1, 1).astype(np.float32)
    for _ in range(3):
        gradient = rng.normal(size=(ids.size, WIDTH)).astype(np.float32)
        np.testing.assert_allclose(tied.look_up(ids, 0.1), alone.look_up(own, 0.1) * factor, atol=1e-5)
        tied.apply(ids, gradient, 0.1)
        alone.apply(own, gradient * factor, 0.1)
    tied.settle(0.1)
    np.testing.assert_allclose(tied.values, alone.values[source] * scale[:, None], atol=1e-5)
    assert not np.allclose(tied.values, values)


@pytest.mark.parametrize("fresh", [False, True])
def test_what_it_starts_as_becomes_of_the_form(fresh: bool) -> None:
    """By least squares: what is of the form stays, to rounding, and what is not becomes so at the first epoch."""
    _, values = _of_the_form(np.random.default_rng(1))
    start = np.random.default_rng(2).normal(size=values.shape).astype(np.float32) if fresh else values
    tied = _tied(start)
    tied.look_up(ENCODER.encode_rows([{}]), 0.1)
    tied.settle(0.1)
    again = _tied(tied.values)
    again.look_up(ENCODER.encode_rows([{}]), 0.1)
    again.settle(0.1)
    np.testing.assert_allclose(again.values, tied.values, atol=1e-5)
    if not fresh:
        np.testing.assert_allclose(tied.values, values, atol=1e-5)


@pytest.mark.parametrize("form", ["scalar", "vector", "matrix"])
def test_factors_of_a_product_outlast_an_epoch(form: Form) -> None:
    """What an epoch ended with, given back as it was, is no new start: the product goes on as one that is trained by itself does."""
    rng = np.random.default_rng(3)
    learnt, values = _of_the_form(rng)
    product = {name: OverparameterisedEmbedding(learnt.copy(), learnt_layout(LAYOUT), WIDTH, form) for name in ("tied", "alone")}
    alone = TableDescent("adam", product["alone"], 0.01)
    tied = TiedTable(values, LAYOUT, lambda *_: TableDescent("adam", product["tied"], 0.01))
    ids, (source, scale) = ENCODER.encode_rows([{"user": "a", "picture": [0.3, -2.0, 9.0]}, {"user": "b", "place": "c"}]), ties_of(LAYOUT)
    own, factor = np.where(ids < 0, ids, source[ids]), np.where(ids < 0, 0.0, scale[ids]).reshape(-1, 1).astype(np.float32)
    for _ in range(3):
        gradient = rng.normal(size=(ids.size, WIDTH)).astype(np.float32)
        tied.values[...] = tied.values.copy()
        tied.look_up(ids, 0.1)
        tied.apply(ids, gradient, 0.1)
        alone.look_up(own, 0.1)
        alone.apply(own, gradient * factor, 0.1)
        tied.settle(0.1)
        alone.settle(0.1)
    np.testing.assert_allclose(tied.values, alone.values[source] * scale[:, None], atol=1e-4)
    np.testing.assert_allclose(product["tied"].factor.numpy(), product["alone"].factor.numpy(), atol=1e-4)
