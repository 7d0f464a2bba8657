"""Adam on the dense variables and on the embedding table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ihas import optimizer
from ihas.layers.embedding import look_up
from ihas.legacy_keras import tf
from ihas.optimizer import Adam

RATE = 0.1
Gradient = Callable[[np.ndarray], np.ndarray]


def _adam(weights: np.ndarray, gradients: list[np.ndarray], rate: float) -> np.ndarray:
    """Kingma and Ba's algorithm 1 in float64, with epsilon after the correction folded into the rate, as TensorFlow does."""
    m = v = np.zeros_like(weights)
    for t, gradient in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        weights = weights - rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    return weights


def _step(adam: Adam, ids: list[list[int]], slot_gradient: np.ndarray | float = 1.0) -> None:
    """One step whose loss is the sum over slots of `slot_gradient` times the slot's row."""
    found = look_up(adam.table, tf.constant(ids))
    with tf.GradientTape() as tape:
        tape.watch(found.values)
        loss = tf.reduce_sum(tf.gather(found.values, found.positions) * slot_gradient)
    adam.apply(found, tape.gradient(loss, found.values), [tf.zeros_like(variable) for variable in adam.dense], tf.constant(RATE))


@pytest.fixture(params=["dense", "lazy"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tf.Variable:
    """A table of 6 rows of 2, updated whole or only where the batch reads it."""
    monkeypatch.setattr(optimizer, "DENSE_ROWS", 6 if request.param == "dense" else 5)
    return tf.Variable(np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32))


def test_duplicates_are_summed_before_squaring(table: tf.Variable) -> None:
    """Four occurrences of a row with gradient 1 have the gradient 4, so the second moment is 0.001 * 16, not 0.001 * 4."""
    adam = Adam(table, [], 0.0)
    _step(adam, [[3, 3], [3, 3]])
    first, second = (moment.numpy() for moment in adam.moments[0])
    np.testing.assert_allclose(first[3], 0.4, rtol=1e-5)
    np.testing.assert_allclose(second[3], 0.016, rtol=1e-4)
    assert not first[[0, 1, 2, 4, 5]].any()


def test_dense_variables_follow_the_textbook() -> None:
    """Several steps on several variables give what Adam in NumPy gives."""
    rng = np.random.default_rng(1)
    starts = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 2), (4,))]
    gradients = [[rng.normal(size=start.shape).astype(np.float32) for start in starts] for _ in range(6)]
    variables = [tf.Variable(start) for start in starts]
    adam = Adam(tf.Variable(tf.zeros([2, 1])), variables, 0.0)
    for step in gradients:
        found = look_up(adam.table, tf.constant([[0]]))
        adam.apply(found, tf.zeros_like(found.values), [tf.constant(gradient) for gradient in step], tf.constant(RATE))
    for i, (variable, start) in enumerate(zip(variables, starts, strict=True)):
        expected = _adam(start.astype(np.float64), [step[i] for step in gradients], RATE)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_rows_that_every_batch_reads_follow_the_textbook(table: tf.Variable) -> None:
    """Rows that no batch leaves out move as Adam in NumPy moves them, whether the table is updated whole or by rows."""
    start, rng = table.numpy().astype(np.float64), np.random.default_rng(2)
    adam, summed = Adam(table, [], 0.0), []
    for _ in range(5):
        slots = rng.normal(size=(4, 2)).astype(np.float32)
        _step(adam, [[1, 4], [4, 2]], slots)
        summed.append(np.stack([slots[0], slots[3], slots[1] + slots[2]]))
    np.testing.assert_allclose(table.numpy()[[1, 2, 4]], _adam(start[[1, 2, 4]], summed, RATE), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(table.numpy()[[0, 3, 5]], start[[0, 3, 5]].astype(np.float32))


def test_rows_left_out_later_stay_only_when_lazy(table: tf.Variable, request: pytest.FixtureRequest) -> None:
    """A row that the second batch leaves out drifts on by its momentum in a whole update, and stays in a lazy one."""
    adam = Adam(table, [], 0.0)
    _step(adam, [[1], [2]])
    before = table.numpy()
    _step(adam, [[2], [2]])
    moved = np.abs(table.numpy() - before).max(axis=1) > 1e-6
    assert moved[2]
    assert moved[1] == ("dense" in request.node.name)


def test_l2_pulls_towards_zero(table: tf.Variable) -> None:
    """Without any other gradient, L2 shrinks every weight that is updated; the gradient is the weight itself times its factor."""
    before, adam = table.numpy(), Adam(table, [], 0.5)
    _step(adam, [[1, 2], [3, 4]], 0.0)
    after, read = table.numpy(), slice(1, 5)
    assert (np.sign(after[read] - before[read]) == -np.sign(before[read])).all()
    np.testing.assert_allclose(adam.moments[0][0].numpy()[read], 0.1 * 0.5 * before[read], rtol=1e-5)


def test_l2_reaches_unread_rows_only_in_a_whole_update(table: tf.Variable, request: pytest.FixtureRequest) -> None:
    """A row that no batch reads moves where the table is updated whole; a lazy update costs the batch only."""
    before, adam = table.numpy(), Adam(table, [], 0.5)
    _step(adam, [[1, 2]], 0.0)
    assert (table.numpy()[5] != before[5]).all() == ("dense" in request.node.name)
