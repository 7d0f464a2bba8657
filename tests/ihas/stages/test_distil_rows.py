"""Swapped rows: every field keeps its values, most of a row stays together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.stages.distil_rows import copies_for, distillation_ids

LAYOUT = FieldLayout(("a", "b", "tags"), (50, 50, 50), (1, 1, 3))
ROWS = 2_000
IDS = np.random.default_rng(0).integers(0, 50, (ROWS, 5)).astype(np.int32) + np.array([0, 50, 100, 100, 100], np.int32)


def _rows(ids: np.ndarray) -> Dataset:
    return Dataset(LAYOUT, ids, np.zeros(len(ids), np.float32))


def swapped_ids(rows: Dataset, copies: int, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """The taught rows behind those that they were made of."""
    taught = distillation_ids(rows, copies, fraction, rng)
    np.testing.assert_array_equal(taught[: len(rows)], rows.ids)
    return taught[len(rows) :]


def test_about_the_stated_share_of_fields_is_swapped():
    """With a fifth swapped and fifty equally likely values, a field of a new row differs in 0.2 * 0.98 of all cases."""
    swapped = swapped_ids(_rows(IDS), 1, 0.2, np.random.default_rng(1))

    differs = (swapped != IDS)[:, :2].mean()

    assert abs(differs - 0.2 * 0.98) < 0.02


@given(seed=st.integers(0, 2**31), fraction=st.floats(0.01, 0.99))
def test_a_fields_value_comes_from_some_row_whole(seed, fraction):
    """All slots of a multi-valued field travel together, and no value changes its field."""
    ids = IDS[:40]

    swapped = swapped_ids(_rows(ids), 2, fraction, np.random.default_rng(seed))

    assert {tuple(row) for row in swapped[:, 2:].tolist()} <= {tuple(row) for row in ids[:, 2:].tolist()}
    assert set(swapped[:, 0].tolist()) <= set(ids[:, 0].tolist())
    assert set(swapped[:, 1].tolist()) <= set(ids[:, 1].tolist())


def test_copies_are_different_draws_and_a_seed_repeats_them():
    """Two copies of the same rows swap other fields; the same generator gives the same rows."""
    first, second = np.split(swapped_ids(_rows(IDS), 2, 0.5, np.random.default_rng(3)), 2)

    assert (first != second).any()
    np.testing.assert_array_equal(swapped_ids(_rows(IDS), 2, 0.5, np.random.default_rng(3)), np.concatenate([first, second]))


def test_without_copies_there_are_no_rows():
    """Zero copies are an empty matrix with the same columns."""
    assert swapped_ids(_rows(IDS), 0, 0.5, np.random.default_rng(0)).shape == (0, 5)


def test_small_tables_get_more_copies():
    """Two hundred thousand rows are sought: one copy of as many or more, eight of a few thousand, four of fifty thousand."""
    assert [copies_for(rows) for rows in (1, 9_000, 50_000, 182_000, 2_000_000)] == [8, 8, 4, 1, 1]
