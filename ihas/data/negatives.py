"""Negatives for a table of positives: items that a user did not take, drawn after the split, for each part by itself.

Items are drawn, with replacement, from those of the training rows. A negative of a training row is no item that its user took in
training rows; of validation rows, in training or validation rows; of test rows, in any. If training rows never showed a later positive
as a negative, a model would learn from what is missing which items the test rows hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ihas.config.negatives import NegativesConfig
from ihas.data.mapped import spans
from ihas.data.splits import PARTS, PartName
from ihas.seeding import generator

_BLOCK_ROWS = 1 << 18
_ROUNDS = 20
"""Draws of an item anew until it is none of the user's; users of whom it still is one draw from a list of what is left."""


@dataclass(frozen=True)
class Taken:
    """Positive rows of a part.

    Attributes:
        users: int64 (rows,). A number per user, alike in all parts.
        items: int64 (rows,). Position in the item table; -1 for an item that training rows do not show.
    """

    users: np.ndarray
    items: np.ndarray


@dataclass(frozen=True)
class PartRows:
    """Rows of a part: each positive, and its negatives behind it.

    Attributes:
        positive: int32 (rows,), ascending. Which positive row each is, or was drawn for.
        item: int32 (rows,). Position of the drawn item in the item table; -1 in a positive row.
    """

    positive: np.ndarray
    item: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """1 of a positive, 0 of a negative: float32 (rows,)."""
        return (self.item < 0).astype(np.float32)


def draw_negatives(
    taken: Mapping[PartName, Taken], popularity: np.ndarray, settings: NegativesConfig, seed: int
) -> dict[PartName, PartRows]:
    """Rows of each part, with negatives; equal arguments give equal rows.

    Args:
        taken: positives of every part.
        popularity: int (num_items,). Training rows of each item of the item table.
        settings: how many, and how likely each item is.
        seed: of the draws; each part has a stream of its own.

    Returns:
        Of a user who took all items there are no negatives, of one who took nearly all the same ones several times.
    """
    num_items = len(popularity)
    weights = popularity.astype(np.float64) if settings.draw == "popularity" else np.ones(num_items)
    known, found = np.zeros(0, np.int64), dict[PartName, PartRows]()
    for part in PARTS:
        own, rng = taken[part], generator(seed, "negatives", part)
        shown = own.items >= 0
        known = np.unique(np.concatenate([known, own.users[shown] * num_items + own.items[shown]]))
        pieces = [
            _interleaved(_drawn(np.repeat(own.users[block], settings.per_positive), known, weights, rng), settings.per_positive)
            for block in spans(len(own.users), _BLOCK_ROWS)
        ]
        found[part] = _joined(pieces)
    return found


def _drawn(users: np.ndarray, known: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An item for each user that is none of the user's: int64 (n,), -1 where there is none.

    Args:
        users: int64 (n,); known: int64, ascending, user * items + item of each pair that must not be drawn.
        weights: float64 (num_items,).
    """
    bounds, open_ = np.cumsum(weights), np.arange(len(users))
    items = np.full(len(users), -1, np.int64)
    for _ in range(_ROUNDS):
        proposed = np.searchsorted(bounds, rng.random(len(open_)) * bounds[-1], side="right")
        free = ~_is_among(users[open_] * len(weights) + proposed, known)
        items[open_[free]] = proposed[free]
        open_ = open_[~free]
        if not len(open_):
            return items
    for user in np.unique(users[open_]).tolist():
        first, end = np.searchsorted(known, [user * len(weights), (user + 1) * len(weights)])
        left = np.setdiff1d(np.arange(len(weights)), known[first:end] - user * len(weights))
        of_user = open_[users[open_] == user]
        if len(left):
            items[of_user] = rng.choice(left, len(of_user), p=weights[left] / weights[left].sum())
    return items


def _is_among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """bool (keys,): whether each is in `known`, which is ascending."""
    if not len(known):
        return np.zeros(len(keys), bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys)


def _interleaved(drawn: np.ndarray, per_positive: int) -> PartRows:
    """Each positive and, behind it, those of its negatives that were found."""
    rows = np.concatenate([np.full((len(drawn) // per_positive, 1), -1), drawn.reshape(-1, per_positive)], axis=1)
    kept = rows >= 0
    kept[:, 0] = True
    return PartRows(np.repeat(np.arange(len(rows), dtype=np.int32), kept.sum(axis=1)), rows[kept].astype(np.int32))


def _joined(pieces: list[PartRows]) -> PartRows:
    """Pieces of a part, of `_BLOCK_ROWS` positives each but the last, as one."""
    positives = [piece.positive + np.int32(number * _BLOCK_ROWS) for number, piece in enumerate(pieces)]
    empty = np.zeros(0, np.int32)
    return PartRows(np.concatenate([empty, *positives]), np.concatenate([empty, *(piece.item for piece in pieces)]))
