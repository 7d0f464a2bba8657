"""The Pareto frontier of whatever has a cost and a score."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ihas.results.run_result import RunResult, VariantResult

Item = TypeVar("Item")


def unbeaten(items: Iterable[Item], cost: Callable[[Item], float], score: Callable[[Item], float]) -> list[Item]:
    """Items that no other beats in score at the same or less cost, cheapest first."""
    front: list[Item] = []
    for item in sorted(items, key=lambda item: (cost(item), -score(item))):
        if not front or score(item) > score(front[-1]):
            front.append(item)
    return front


def pareto_frontier(result: RunResult) -> list[VariantResult]:
    """Candidates that no other candidate beats in test AUC at the same or fewer parameters per model, smallest first."""
    scored = [variant for variant in result.variants if variant.test.auc is not None and variant.role == "candidate"]
    return unbeaten(scored, lambda variant: variant.cost.parameters_per_path, lambda variant: variant.test.auc or 0.0)
