"""All fields in one table, one gather a step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.layout import PADDING, FieldLayout
from ihas.layers.embedding import concatenate_fields, look_up
from ihas.legacy_keras import tf
from ihas.routing.router import embed

pytestmark = pytest.mark.tf

LAYOUT = FieldLayout(("a", "b"), (2, 3), (1, 2))
TABLE = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], np.float32)


def _embed(ids: np.ndarray, table: np.ndarray, layout: FieldLayout) -> np.ndarray:
    found = look_up(tf.constant(table), tf.constant(ids))
    gathered = tf.reshape(found.values, [-1, layout.num_slots, table.shape[1]])
    return np.asarray(concatenate_fields(gathered, tf.constant(ids), layout))


@st.composite
def _layouts(draw: st.DrawFn) -> tuple[FieldLayout, np.ndarray, np.ndarray]:
    """A layout, a table, and rows with padding anywhere in fields of several slots."""
    sizes = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=4))
    vocabulary_sizes, slots = (tuple(column) for column in zip(*sizes, strict=True))
    layout = FieldLayout(tuple(map(str, range(len(sizes)))), vocabulary_sizes, slots)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ids = np.column_stack(
        [first + rng.integers(size, size=(6, width)) for first, size, width in zip(layout.first_rows, vocabulary_sizes, slots, strict=True)]
    ).astype(np.int32)
    several = np.repeat(np.array(slots) > 1, slots)
    ids[several & (rng.random(ids.shape) < 0.4)] = PADDING
    return layout, rng.normal(size=(layout.num_rows, draw(st.integers(1, 4)))).astype(np.float32), ids


def test_looks_up_a_row_for_every_slot() -> None:
    """A batch gathers the row of each of its slots, in order, as often as it occurs."""
    found = look_up(tf.constant(TABLE), tf.constant([[1, 4, 3], [1, 3, 4]]))
    assert found.rows.numpy().tolist() == [1, 4, 3, 1, 3, 4]
    np.testing.assert_array_equal(found.values, TABLE[[1, 4, 3, 1, 3, 4]])


def test_pools_by_hand() -> None:
    """A cell with two values is their mean, with one value that value, with none the zero vector."""
    ids = np.array([[0, 2, 4], [1, 3, PADDING], [1, PADDING, PADDING]], np.int32)
    np.testing.assert_allclose(_embed(ids, TABLE, LAYOUT), [[[1, 2], [7, 8]], [[3, 4], [7, 8]], [[3, 4], [0, 0]]])


def test_a_mean_of_two_gives_each_half() -> None:
    """A value's gradient is divided by the number of values in its cell; padding reads zeros, whatever row stands for it."""
    ids = tf.constant([[1, 2, PADDING], [1, 3, 4]])
    found = look_up(tf.constant(TABLE), ids)
    with tf.GradientTape() as tape:
        tape.watch(found.values)
        total = tf.reduce_sum(concatenate_fields(tf.reshape(found.values, [-1, 3, 2]), ids, LAYOUT))
    gradient = tape.gradient(total, found.values).numpy()
    np.testing.assert_allclose(gradient[[0, 1, 3, 4, 5]], np.repeat([1, 1, 1, 0.5, 0.5], 2).reshape(5, 2))
    np.testing.assert_array_equal(found.values[2], [0, 0])


@given(_layouts())
def test_training_embeds_as_routing_does(case: tuple[FieldLayout, np.ndarray, np.ndarray]) -> None:
    """TensorFlow's embedding and NumPy's are the same for every layout, so a row cannot be embedded in two ways."""
    layout, table, ids = case
    np.testing.assert_allclose(_embed(ids, table, layout).reshape(len(ids), -1), embed(ids, table, layout), rtol=1e-5, atol=1e-6)
