"""Quantiles of numbers that occur several times each."""

from __future__ import annotations

import numpy as np


def quantiles(values: np.ndarray, counts: np.ndarray, num_parts: int) -> np.ndarray:
    """Smallest value that at least i / num_parts of the rows do not exceed, for i = 0 .. num_parts.

    Args:
        values: float64 (n,). NaN stands for no number and is left out.
        counts: int64 (n,). Rows of each value.
        num_parts: parts to cut the rows into.

    Returns:
        float64 (num_parts + 1,), each one of `values`; empty where no row has a number.
    """
    used = np.isfinite(values) & (counts > 0)
    order = np.argsort(values[used], kind="stable")
    values, up_to = values[used][order], np.cumsum(counts[used][order])
    if not values.size:
        return values
    return np.asarray(values[np.searchsorted(up_to * num_parts, np.arange(num_parts + 1) * up_to[-1])])
