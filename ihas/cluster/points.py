"""Points and masks of many rows, block by block."""

from __future__ import annotations

import numpy as np

from ihas.data.dataset import Dataset
from ihas.routing import Gates, PointsOf, embed, nearest, points

BLOCK_ROWS = 65_536


def points_of(ids: np.ndarray, rows: Dataset, table: np.ndarray, gates: Gates, on: PointsOf) -> np.ndarray:
    """Points of rows: ids int32 (n, num_slots) laid out as `rows`, table float32 (num_rows, dim) -> float32 (n, N)."""
    embedded = embed(ids, table, rows.layout)
    return points(embedded, gates.open(embedded), on)


def assign(rows: Dataset, table: np.ndarray, gates: Gates, on: PointsOf, centroids: np.ndarray) -> np.ndarray:
    """Nearest centroid of every row, block by block: int32 (rows,)."""
    group = np.empty(len(rows), np.int32)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        group[block] = nearest(points_of(np.asarray(rows.ids[block]), rows, table, gates, on), centroids)[1]
    return group


def sum_masks(rows: Dataset, table: np.ndarray, gates: Gates, group: np.ndarray, num_groups: int) -> np.ndarray:
    """Open gates summed over each group's rows: float64 (num_groups, N)."""
    sums = np.zeros((num_groups, rows.layout.num_fields * table.shape[1]))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        masks = gates.open(embed(np.asarray(rows.ids[block]), table, rows.layout))
        member = group[block, None] == np.arange(num_groups)  # (block, num_groups)
        sums += member.T.astype(np.float64) @ masks
    return sums
