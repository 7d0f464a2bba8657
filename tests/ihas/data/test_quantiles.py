"""Weighted quantiles."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.quantiles import quantiles


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 6)), min_size=1, max_size=8, unique_by=lambda pair: pair[0]), st.integers(2, 7)
)
def test_counts_stand_for_repeated_rows(pairs: list[tuple[int, int]], num_parts: int) -> None:
    """Counting a value n times gives the quantiles of n rows with it, as NumPy's inverted distribution function has them."""
    values, counts = (np.array(column) for column in zip(*pairs, strict=True))
    rows = np.sort(np.repeat(values, counts))
    expected = [rows[max(-(-part * rows.size // num_parts), 1) - 1] for part in range(num_parts + 1)]
    assert quantiles(values.astype(float), counts, num_parts).tolist() == expected


def test_rows_without_a_number_are_left_out() -> None:
    """NaN and values of no row do not count, and nothing is left where no row has a number."""
    assert quantiles(np.array([1.0, np.nan, 9.0]), np.array([1, 5, 0]), 2).tolist() == [1.0, 1.0, 1.0]
    assert quantiles(np.array([np.nan]), np.array([3]), 2).size == 0
