"""A newer table divided so that no row that was trained on becomes a validation or test row.

    time, given     as the first table: the newest rows, or what the column says
    random          a row that the first table has stays in its part; of the others, fractions are drawn for validation and test

A random split of its own would put nine tenths of what the old model learnt by heart into the rows that are to judge it. Rows are told by
a 64-bit hash of their ids, as the old encoder says them, and of their label; of equal rows as many are in a part as before. Source: our
choice (decision 73).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ihas.config.split import SplitConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.mapped import spans
from ihas.data.splits import PARTS, PartName

_BLOCK_ROWS = 1 << 18


def keep_parts(
    rows: np.ndarray, before: Mapping[PartName, np.ndarray], split: SplitConfig, rng: np.random.Generator
) -> dict[PartName, np.ndarray]:
    """Rows of each part.

    Args:
        rows: uint64 (rows,). Hash of each row of the newer table.
        before: hashes of the first table's rows, by part.
        split: fractions of the rows that the first table does not have.
        rng: draws these.

    Returns:
        int64 (rows of the part,), ascending.
    """
    distinct, group, number = _numbered(rows)
    part, bound = np.full(len(rows), -1), np.zeros(len(distinct), np.int64)
    for place, name in enumerate(PARTS):
        known = np.sort(before[name])
        bound = bound + np.searchsorted(known, distinct, "right") - np.searchsorted(known, distinct, "left")
        part[(part < 0) & (number < bound[group])] = place
    new = rng.permutation(np.flatnonzero(part < 0))
    num_valid, num_test = round(split.valid_fraction * len(new)), round(split.test_fraction * len(new))
    part[new] = 0
    part[new[:num_valid]] = 1
    part[new[num_valid : num_valid + num_test]] = 2
    return {name: np.flatnonzero(part == place) for place, name in enumerate(PARTS)}


def _numbered(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct hashes; which of them each row has; and how many rows of the same one come before it: int64 (rows,) each."""
    distinct, group, counts = np.unique(rows, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    number = np.empty(len(rows), np.int64)
    number[order] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return distinct, group, number


def hash_parts(parts: Splits) -> dict[PartName, np.ndarray]:
    """Hashes of encoded rows, by part."""
    return {name: hash_rows(getattr(parts, name)) for name in PARTS}


def hash_rows(rows: Dataset) -> np.ndarray:
    """A hash of the ids and the label of each row: uint64 (rows,)."""
    hashes = np.empty(len(rows), np.uint64)
    for block in spans(len(rows), _BLOCK_ROWS):
        hashes[block] = hash_ids(rows.ids[block], rows.labels[block])
    return hashes


def hash_ids(ids: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same of a block: int32 (rows, num_slots), float32 (rows,) -> uint64 (rows,).

    A sum of products with odd numbers modulo 2^64, each id scrambled first by the finaliser of splitmix64 (Steele et al. 2014).
    """
    cells = np.concatenate([ids.astype(np.int64), _label_cells(labels)[:, None]], axis=1).astype(np.uint64)
    cells += np.arange(1, cells.shape[1] + 1, dtype=np.uint64) << np.uint64(32)
    cells = (cells ^ (cells >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    cells = (cells ^ (cells >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((cells ^ (cells >> np.uint64(31))).sum(axis=1, dtype=np.uint64))


def _label_cells(labels: np.ndarray) -> np.ndarray:
    """Labels as whole numbers, alike for equal ones only: 0, 1, and the bits of a fraction, int64 (rows,)."""
    plain = (labels == 0.0) | (labels == 1.0) | np.isnan(labels)
    return np.where(plain, (labels > 0.5).astype(np.int64), np.ascontiguousarray(labels, np.float32).view(np.int32).astype(np.int64))
