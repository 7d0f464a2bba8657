"""The Pareto front of whatever has a cost and a score."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def unbeaten(items: Iterable[Item], cost: Callable[[Item], float], score: Callable[[Item], float]) -> list[Item]:
    """Items that no other beats in score at the same or less cost, cheapest first."""
    front: list[Item] = []
    for item in sorted(items, key=lambda item: (cost(item), -score(item))):
        if not front or score(item) > score(front[-1]):
            front.append(item)
    return front
