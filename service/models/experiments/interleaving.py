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
    return min(1.0, 2.0 * _tail(min(wins, losses), wins + losses)) if wins + losses else 1.0


def _tail(most: int, of: int) -> float:
    """Chance of at most so many heads of a fair coin, summed from the likeliest term down until terms add nothing."""
    term = math.exp(math.lgamma(of + 1) - math.lgamma(most + 1) - math.lgamma(of - most + 1) - of * math.log(2.0))
    total = 0.0
    for heads in range(most, -1, -1):
        if total + term == total:
            break
        total += term
        term *= heads / (of - heads + 1)
    return total


def _next(ranking: Iterator[str], taken: set[str]) -> str | None:
    return next((item for item in ranking if item not in taken), None)
