"""Adam on the embedding table, whole and by rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.data.layout import PADDING
from ihas.optim import table_optimizer
from ihas.optim.table_optimizer import TableAdagrad, TableAdam
from ihas.training.trainer import lent

pytestmark = pytest.mark.tf

RATE = 0.1


def textbook_adam(weights: np.ndarray, gradients: list[np.ndarray], rate: float, l2: float = 0.0) -> np.ndarray:
    """Kingma and Ba's algorithm 1 in float64, with epsilon after the correction folded into the rate, as TensorFlow does."""
    m = v = np.zeros_like(weights)
    for t, gradient in enumerate(gradients, start=1):
        total = gradient + l2 * weights
        m, v = 0.9 * m + 0.1 * total, 0.999 * v + 0.001 * total**2
        weights = weights - rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    return weights


def _step(adam: TableAdam, ids: list[list[int]], gradient: np.ndarray | float = 1.0, rate: float = RATE) -> None:
    """One step with a gradient for each slot."""
    batch = np.array(ids, np.int32)
    adam.look_up(batch, rate)
    adam.apply(batch, np.broadcast_to(np.float32(gradient), (batch.size, adam.values.shape[1])).astype(np.float32), rate)


@pytest.fixture(params=["dense", "rows"])
def start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A table of 6 rows of 2, updated whole or only where the batch reads it."""
    monkeypatch.setattr(table_optimizer, "DENSE_ROWS", 6 if request.param == "dense" else 5)
    return np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)


def test_reads_rows_and_zeros_for_padding(start: np.ndarray) -> None:
    """Each slot gets its row as it stands, padding gets zeros."""
    found = TableAdam(start, 0.0).look_up(np.array([[4, 1, PADDING], [1, 1, 5]], np.int32), RATE)
    np.testing.assert_array_equal(found, [start[4], start[1], [0, 0], start[1], start[1], start[5]])


def test_duplicates_are_summed_before_squaring(start: np.ndarray) -> None:
    """Four occurrences of a row with gradient 1 have the gradient 4, so the second moment is 0.001 * 16, not 0.001 * 4."""
    adam = TableAdam(start, 0.0)
    _step(adam, [[3, 3], [3, 3]])
    _, first, second = adam.state.swapaxes(0, 1)
    np.testing.assert_allclose(first[3], 0.4, rtol=1e-5)
    np.testing.assert_allclose(second[3], 0.016, rtol=1e-4)
    assert not first[[0, 1, 2, 4, 5]].any()


def test_padding_gets_no_gradient(start: np.ndarray) -> None:
    """A padded slot's gradient goes nowhere, not even to the last row, which -1 would mean to NumPy."""
    adam = TableAdam(start, 0.0)
    _step(adam, [[2, PADDING]])
    assert (adam.values != start).any(axis=1).tolist() == [False, False, True, False, False, False]


def test_rows_that_every_batch_reads_follow_the_textbook(start: np.ndarray) -> None:
    """Rows that no batch leaves out move as Adam in NumPy moves them, whether the table is updated whole or by rows."""
    rng, adam, summed = np.random.default_rng(2), TableAdam(start, 0.01), []
    for _ in range(5):
        slots = rng.normal(size=(4, 2)).astype(np.float32)
        _step(adam, [[1, 4], [4, 2]], slots)
        summed.append(np.stack([slots[0], slots[3], slots[1] + slots[2]]))
    expected = textbook_adam(start[[1, 2, 4]].astype(np.float64), summed, RATE, 0.01)
    np.testing.assert_allclose(adam.values[[1, 2, 4]], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_one_step_left_out_is_the_textbook_step(start: np.ndarray, l2: float) -> None:
    """A row that the second of three batches leaves out drifts by its momentum and L2, as in a whole update, before it is read again."""
    adam, rate = TableAdam(start, l2), 0.001
    for ids in ([[1]], [[2]], [[1]]):
        _step(adam, ids, 1.0, rate)
    expected = textbook_adam(start[1].astype(np.float64), [np.ones(2), np.zeros(2), np.ones(2)], rate, l2)
    np.testing.assert_allclose(adam.values[1], expected, atol=2e-4)
    assert np.abs(start[1] - adam.values[1]).min() > 1.5e-3


def test_l2_reaches_rows_that_no_batch_reads(start: np.ndarray) -> None:
    """Settled, a row without any gradient has shrunk as in a whole update: by about the rate a step, to zero and not beyond."""
    adam = TableAdam(start, 0.5)
    for _ in range(40):
        _step(adam, [[1, 2]], 0.0, 0.001)
    adam.settle(0.001)
    assert abs(adam.values[5, 0]) == pytest.approx(abs(start[5, 0]) - 0.04, abs=0.008)
    for _ in range(4000):
        _step(adam, [[1, 2]], 0.0, 0.001)
    adam.settle(0.001)
    assert np.abs(adam.values[5]).max() < 1e-3


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), l2=st.sampled_from([0.0, 1e-4, 1e-3, 1e-2]), rate=st.sampled_from([1e-3, 5e-3]))
def test_by_rows_is_nearly_whole(seed: int, l2: float, rate: float) -> None:
    """After hundreds of steps on ids of every rarity the settled table is the one updated whole, within a few hundredths of its size."""
    rng, num_rows = np.random.default_rng(seed), 200
    start = rng.normal(0.0, 0.01, (num_rows, 3)).astype(np.float32)
    whole, rows = TableAdam(start, l2), TableAdam(start, l2)
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(300):
            ids = (np.exp(rng.random((8, 4)) * np.log(num_rows)) - 1).astype(np.int32)
            gradient = (0.01 * rng.normal(size=(32, 3)) + 0.01 * np.sin(ids.reshape(-1, 1))).astype(np.float32)
            for adam, most in ((whole, num_rows), (rows, 0)):
                patch.setattr(table_optimizer, "DENSE_ROWS", most)
                adam.look_up(ids, rate)
                adam.apply(ids, gradient, rate)
        rows.settle(rate)
    assert np.abs(rows.values - whole.values).mean() < 0.12 * np.abs(whole.values).mean()
    assert np.corrcoef(rows.values.ravel(), whole.values.ravel())[0, 1] > 0.995


def test_a_weight_at_rest_is_left_at_once() -> None:
    """A million missed steps of AdaGrad whose L2 no longer moves a weight are one look: it stays, its sum of squares grows."""
    table = TableAdagrad(np.ones((60_000, 1), np.float32), 1e-3)
    table.state[:, 1], table.steps = 1e9, 1_000_000
    table.settle(1e-3)
    assert (table.values == 1.0).all()
    np.testing.assert_allclose(table.state[:, 1], 1e9 + 1.0)


@pytest.mark.parametrize("width", [1, 3, 16])
def test_what_is_looked_up_is_lent_without_a_copy(width: int) -> None:
    """TensorFlow sees the array itself, wherever it was allocated; one that is not aligned is copied."""
    table = TableAdam(np.random.default_rng(1).normal(size=(50, width)).astype(np.float32), 0.0)
    for size in (1, 7, 33):
        found = table.look_up(np.arange(size, dtype=np.int32)[:, None], RATE)
        for values in (found, found[1:]):
            aligned, tensor = values.ctypes.data % 64 == 0, lent(values)
            np.testing.assert_array_equal(tensor.numpy(), values)
            values += 1.0
            assert np.array_equal(tensor.numpy(), values) == (aligned or not values.size)
        assert found.ctypes.data % 64 == 0
