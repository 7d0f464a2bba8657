"""Rows divided among threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.optim import table_optimizer
from ihas.optim.row_shares import in_shares
from ihas.optim.table_optimizer import TableAdagrad, TableAdam
from tests.clock import HANG_S

pytestmark = pytest.mark.full


@given(num_rows=st.integers(0, 40), num_threads=st.integers(1, 5))
def test_every_row_is_worked_on_once(num_rows: int, num_threads: int) -> None:
    """For any number of rows and threads, also of fewer rows than threads."""
    counts = np.zeros(num_rows, int)

    def work(share: slice) -> None:
        counts[share] += 1

    in_shares(work, num_rows, num_threads, 0)

    assert (counts == 1).all()


def test_threads_work_beside_each_other() -> None:
    """Two shares that wait for each other both end."""
    meeting = threading.Barrier(2, timeout=HANG_S)
    in_shares(lambda _: meeting.wait(), 10, 2, 10)


def test_few_rows_are_one_share() -> None:
    """Fewer than are worth a thread, and any number where there is one thread."""
    shares = list[slice]()
    for num_rows, num_threads in ((9, 2), (10, 1)):
        in_shares(shares.append, num_rows, num_threads, 10)

    assert shares == [slice(0, 9), slice(0, 10)]


def test_what_a_thread_raises_is_raised() -> None:
    """The share that fails is the second, which another thread has."""

    def work(share: slice) -> None:
        if share.start:
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        in_shares(work, 10, 2, 10)


@pytest.mark.parametrize("table", [TableAdam, TableAdagrad])
@pytest.mark.parametrize("num_rows", [40_000, 60_000])
def test_the_number_of_threads_changes_no_bit(
    table: type[TableAdam | TableAdagrad], num_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole and by rows, ids of every rarity and padding: tables of one, two and three threads are equal."""
    monkeypatch.setattr(table_optimizer, "MIN_CHANGED", 100)
    monkeypatch.setattr(table_optimizer, "MIN_READ", 100)
    rng = np.random.default_rng(3)
    start = rng.normal(0.0, 0.01, (num_rows, 4)).astype(np.float32)
    tables = [table(start, 1e-3, num_threads) for num_threads in (1, 2, 3)]
    for _ in range(6):
        ids = (np.exp(rng.random((9_000, 3)) * np.log(num_rows)) - 2).astype(np.int32)
        gradient = rng.normal(0.0, 0.1, (ids.size, 4)).astype(np.float32)
        found = [one.look_up(ids, 1e-2) for one in tables]
        for one in tables:
            one.apply(ids, gradient, 1e-2)
        assert all(np.array_equal(values, found[0]) for values in found)
    for one in tables:
        one.settle(1e-2)

    assert all(np.array_equal(one.state, tables[0].state) for one in tables)
    assert not np.array_equal(tables[0].values, start)
