"""Augmented rows of the distillation set: training rows with some of their fields' values taken from other rows.

    row' = where(u < fraction, another row, row),   one u ~ U(0, 1) for each field

Every field keeps its distribution, and most of a row stays together. Source: our choice, after the swap noise of
denoising autoencoders on tables.
"""

from __future__ import annotations

import numpy as np

from ihas.data.dataset import Dataset
from ihas.data.mapped import new_array, scattered, spans

BLOCK_ROWS = 65_536
ADDED_ROWS, MAX_COPIES = 200_000, 8


def copies_for(num_rows: int) -> int:
    """Copies that bring about `ADDED_ROWS` new rows, from 1 to `MAX_COPIES`: a small table has the most to gain (our choice)."""
    return int(np.clip(round(ADDED_ROWS / max(num_rows, 1)), 1, MAX_COPIES))


def distillation_ids(rows: Dataset, copies: int, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Ids of the rows, and behind them of `copies` times as many augmented ones: int32 ((1 + copies) * rows, num_slots).

    Args:
        rows: rows to start from.
        copies: new rows for each row.
        fraction: share of fields that take their value from another row.
        rng: source of the draws.
    """
    num_rows, field_of_slot = len(rows), np.repeat(np.arange(rows.layout.num_fields), rows.layout.slots)
    ids_of_all = new_array(((1 + copies) * num_rows, rows.ids.shape[1]), np.int32)
    for block in spans(num_rows, BLOCK_ROWS):
        ids_of_all[block] = rows.ids[block]
    for copy in range(copies):
        donors, first = rng.permutation(num_rows), (1 + copy) * num_rows
        for block in spans(num_rows, BLOCK_ROWS):
            ids = rows.ids[block]
            swap = rng.random((len(ids), rows.layout.num_fields), dtype=np.float32) < fraction
            mixed = np.where(swap[:, field_of_slot], scattered(rows.ids, donors[block]), ids)
            ids_of_all[first + block.start : first + block.stop] = mixed
    return ids_of_all
