"""Ranks of many settings from one search for neighbours."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ihas.sequential.neighbours import Neighbours
from ihas.sequential.overrec import OverRec
from ihas.sequential.ranking import target_ranks
from ihas.sequential.sequences import NextItem
from ihas.sequential.votes import votes

BLOCK = 512


def neighbour_ranks(found: Neighbours, rows: NextItem, model: OverRec, *, hide_history: bool) -> np.ndarray:
    """Ranks under the model's votes, with neighbours that are known already: int64 (rows,)."""
    form: Literal["sum", "assign"] = "sum" if model.config.score == "sum" else "assign"
    nearest = found.first(model.config.num_neighbours)
    parts = [np.empty(0, np.int64)]
    for start in range(0, len(rows), BLOCK):
        block = slice(start, min(start + BLOCK, len(rows)))
        part = Neighbours(nearest.prefixes[block], nearest.values[block], nearest.targets[block])
        hidden = rows.histories.take(np.arange(block.start, block.stop)) if hide_history else None
        parts.append(target_ranks(votes(part, model.num_items, form), rows.targets[block], hidden))
    return np.concatenate(parts)
