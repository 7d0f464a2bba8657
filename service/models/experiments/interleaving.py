"""Team-draft interleaving: two rankings as one list, whose clicks say which of the two people prefer.

Source: Radlinski, Kurup and Joachims 2008. In every round a coin says which ranking picks first; each picks its best item that is not in
the list yet, and a click is credited to the ranking that picked the item. Two rankings that are equally good get equally many credits on
average, whatever people click, since the coin is fair and both pick equally often at every depth.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Coin = Callable[[], bool]
"""Whether the first ranking picks first."""


def fair_coin() -> bool:
    """Heads or tails."""
    return random.random() < 0.5


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A list of two rankings.

    Attributes:
        items: best first.
        second: those that the second ranking picked.
    """

    items: tuple[str, ...]
    second: frozenset[str]


def team_draft(first: Sequence[str], second: Sequence[str], k: int, coin: Coin = fair_coin) -> Interleaved:
    """Interleave two rankings to at most k items; each of their ids occurs once in a ranking."""
    items: list[str] = []
    taken: set[str] = set()
    of_second: set[str] = set()
    teams = (iter(first), iter(second))
    while len(items) < k:
        before = len(items)
        for team in (0, 1) if coin() else (1, 0):
            picked = _next(teams[team], taken) if len(items) < k else None
            if picked is not None:
                items.append(picked)
                taken.add(picked)
                if team:
                    of_second.add(picked)
        if len(items) == before:
            break
    return Interleaved(tuple(items), frozenset(of_second))


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of as many wins against losses where both are equally likely; ties are left out. It holds for one look."""
    tries, fewer = wins + losses, min(wins, losses)
    if 2 * fewer == tries:
        return 1.0
    ratios = np.log(tries - np.arange(fewer)) - np.log1p(np.arange(fewer))  # C(n, i + 1) / C(n, i)
    logs = np.concatenate([[0.0], np.cumsum(ratios)]) - tries * math.log(2.0)
    return float(2.0 * np.exp(logs).sum())


def _next(ranking: Iterator[str], taken: set[str]) -> str | None:
    return next((item for item in ranking if item not in taken), None)
