"""Ranks of many settings from one search for neighbours."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ihas.sequential.data.sequences import NextItem
from ihas.sequential.overrec.neighbours import Neighbours


def neighbour_ranks(found: Neighbours, rows: NextItem, num_items: int, form: Literal["sum", "assign"], *, hide_history: bool) -> np.ndarray:
    """What `ranks` gives for the votes of these neighbours, without a score for every item: int64 (rows,).

    Items without a vote score 0. So a target with votes stands behind the voted items that score as much or more, and one without
    stands behind every item that is not hidden.
    """
    count = len(rows)
    asked, places = np.nonzero(found.targets >= 0)
    keys, entry = np.unique(asked * np.int64(num_items) + found.targets[asked, places], return_inverse=True)
    scores = np.zeros(len(keys))
    combine = np.add if form == "sum" else np.maximum
    combine.at(scores, entry, found.values[asked, places])
    keys, scores = keys[scores > 0.0], scores[scores > 0.0]
    of_row = np.repeat(np.arange(count), rows.histories.lengths)
    hidden = np.unique(of_row * np.int64(num_items) + rows.histories.items) if hide_history else np.empty(0, np.int64)
    wanted = np.arange(count) * np.int64(num_items) + rows.targets
    own = _looked_up(keys, scores, wanted)
    shown = ~np.isin(keys, hidden)
    owners = keys[shown] // num_items
    ahead = np.bincount(owners[scores[shown] >= own[owners]], minlength=count)
    unvoted = num_items - np.bincount(hidden // num_items, minlength=count)
    ranked = np.where(own > 0.0, ahead, unvoted)
    return np.asarray(np.where(np.isin(wanted, hidden), num_items, ranked), np.int64)


def _looked_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Value of each wanted key, 0 for one that is not there; `keys` rise."""
    if not len(keys):
        return np.zeros(len(wanted))
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0.0)
