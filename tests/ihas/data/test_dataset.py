"""Encoded rows in blocks."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data import dataset, mapped
from ihas.data.dataset import Dataset, joined
from ihas.data.layout import FieldLayout

LAYOUT = FieldLayout(("a",), (9,), (1,))


def _dataset(rows: int) -> Dataset:
    return Dataset(LAYOUT, np.arange(rows, dtype=np.int32)[:, None], np.arange(rows, dtype=np.float32) % 2)


@given(st.integers(0, 20), st.integers(1, 7))
def test_blocks_are_the_rows_in_order(rows: int, num_rows: int) -> None:
    """Blocks end to end are the whole, none is larger than asked, and none is empty."""
    blocks = list(_dataset(rows).blocks(num_rows))
    assert [row for block in blocks for row in block.ids[:, 0].tolist()] == list(range(rows))
    assert all(0 < len(block) <= num_rows for block in blocks)


def test_take_keeps_ids_and_labels_together() -> None:
    """Rows are taken by number in the given order, or by mask."""
    taken = _dataset(5).take(np.array([3, 0]))
    assert taken.ids[:, 0].tolist() == [3, 0]
    assert taken.labels.tolist() == [1.0, 0.0]
    assert len(_dataset(5).take(np.array([True, False, True, False, False]))) == 2


@given(st.integers(0, 20), st.integers(1, 7), st.randoms())
def test_many_rows_are_taken_as_few_are(rows: int, most: int, random: Random) -> None:
    """Rows that do not fit into memory are the same rows, by number and by mask, from memory and from a map."""
    numbers = np.array([random.randrange(rows) for _ in range(rows)], np.int64)
    mask = np.isin(np.arange(rows), numbers)
    expected = [_dataset(rows).take(chosen) for chosen in (numbers, mask)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "IN_MEMORY_BYTES", 0)
        patch.setattr(dataset, "TAKEN_ROWS", most)
        taken = [_dataset(rows).take(chosen) for chosen in (numbers, mask)]
        taken += [taken[0].take(np.arange(len(numbers)))]
    for found, right in zip(taken, [*expected, expected[0]], strict=True):
        assert found.ids.tolist() == right.ids.tolist()
        assert found.labels.tolist() == right.labels.tolist()


@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from([1, 4, 100]))
def test_joined_rows_are_those_of_both_in_order(first: int, second: int, most: int) -> None:
    """Ids and labels end to end, in blocks of any size; rows without weights count 1 beside weighted ones."""
    parts = _dataset(first), replace(_dataset(second), weights=np.full(second, 2.0, np.float32))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dataset, "TAKEN_ROWS", most)
        both, alike = joined(*parts), joined(parts[0], parts[0])
    assert both.ids[:, 0].tolist() == [*range(first), *range(second)]
    assert both.labels.tolist() == [row % 2 for row in [*range(first), *range(second)]]
    assert both.weights is not None
    assert both.weights.tolist() == [1.0] * first + [2.0] * second
    assert alike.weights is None
