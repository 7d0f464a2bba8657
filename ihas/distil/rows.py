"""Rows that nobody clicked on or passed by: training rows with some of their fields' values taken from other rows.

    row' = where(u < fraction, another row, row),   one u ~ U(0, 1) for each field

Every field keeps its distribution, and most of a row stays together. Source: our choice, after the swap noise of
denoising autoencoders on tables.
"""

from __future__ import annotations

import numpy as np

from ihas.data.dataset import Dataset

BLOCK_ROWS = 65_536
ADDED_ROWS, MOST_COPIES = 200_000, 8


def copies_for(num_rows: int) -> int:
    """Copies that bring about `ADDED_ROWS` new rows, from 1 to `MOST_COPIES`: a small table has the most to gain (our choice)."""
    return int(np.clip(round(ADDED_ROWS / max(num_rows, 1)), 1, MOST_COPIES))


def swapped_ids(rows: Dataset, copies: int, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """`copies` times as many rows with swapped fields: int32 (copies * rows, num_slots).

    Args:
        rows: rows to start from.
        copies: new rows for each row.
        fraction: share of fields that take their value from another row.
        rng: source of the draws.
    """
    ids, field_of_slot = np.asarray(rows.ids), np.repeat(np.arange(rows.layout.num_fields), rows.layout.slots)
    swapped = np.empty((copies, *ids.shape), np.int32)
    for copy in swapped:
        donors = rng.permutation(len(ids))
        for start in range(0, len(ids), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            swap = rng.random((len(ids[block]), rows.layout.num_fields), dtype=np.float32) < fraction
            copy[block] = np.where(swap[:, field_of_slot], ids[donors[block]], ids[block])
    return swapped.reshape(-1, ids.shape[1])
