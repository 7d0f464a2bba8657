"""What a run must keep within: a variant that may be served, a bundle that is fast enough, and the certificate that says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from ihas.config.budget import BudgetConfig
from ihas.data.dataset import Splits
from ihas.errors import BudgetError
from ihas.metrics import auc
from ihas.results.run_result import Certificate, VariantResult
from ihas.stages.evaluate.stage import choose, is_candidate
from ihas.stages.evaluate.variants import Variant
from ihas.stages.members import COST_TOLERANCE
from ihas_pipelines.runs.latency import ServingCost

MEASURED_LIMITS = ("p99_ms", "candidates_p99_ms", "memory_bytes")
"""Limits on what only the exported bundle tells."""


def choose_measured(
    variants: tuple[Variant, ...], parts: Splits, budget: BudgetConfig, cost: Callable[[str], ServingCost]
) -> tuple[Variant, ServingCost]:
    """The variant that is served, and what serving it takes; one that misses a measured limit gives way to the next.

    Args:
        variants, parts, budget: as `choose_within`.
        cost: what serving a variant takes, by name; asked for those that would be chosen.

    Raises:
        BudgetError: none is within the budget.
    """
    missed: list[str] = []
    while True:
        served = choose_within(variants, parts, budget, missed)
        measured = cost(served.name)
        if all(budget.limits.get(limit, math.inf) >= figure for limit, figure in _measured(measured).items()):
            return served, measured
        missed.append(served.name)


def choose_within(variants: tuple[Variant, ...], parts: Splits, budget: BudgetConfig, missed: Collection[str] = ()) -> Variant:
    """The variant that is served: of those within the budget, by the rule without one; where the base is not within it, the best.

    Without `budget.multiply_adds` and `budget.candidates_p99_ms` a row costs no more than under the plain model and a tenth: in
    multiply-adds, and in parameters of the model that answers it.

    Args:
        variants: all, the base first.
        parts: validation rows decide.
        budget: limits.
        missed: names of variants that were found to miss a measured limit.

    Raises:
        BudgetError: none is within the budget.
    """
    within = tuple(variant for variant in variants if variant.name not in missed and _fits(variant, budget, variants[0]))
    candidates = [variant for variant in within if is_candidate(variant.name, larger=budget.admits_larger)]
    if not candidates:
        raise BudgetError(_no_candidate(variants, budget, missed))
    if candidates[0] is variants[0]:
        return choose(tuple(candidates), parts)
    return max(candidates, key=lambda variant: auc(variant.valid_logits, parts.valid.labels) or 0.0)


def certify(budget: BudgetConfig, chosen: VariantResult, wall_s: float, measured: ServingCost | None) -> tuple[Certificate, ...]:
    """Every limit of the budget with what was measured.

    Raises:
        BudgetError: a limit is not kept.
    """
    figures: dict[str, float] = {
        "wall_s": wall_s,
        "parameters": chosen.cost.parameters_total,
        "multiply_adds": chosen.cost.multiply_adds,
        "groups": chosen.num_groups,
        **({} if measured is None else _measured(measured)),
    }
    certificates = tuple(
        Certificate.model_validate({"limit": name, "at_most": limit, "measured": figures[name], "met": figures[name] <= limit})
        for name, limit in budget.limits.items()
    )
    for one in certificates:
        if not one.met:
            raise BudgetError(
                f"`{one.limit} <= {one.at_most:g}` must hold, but the run measured {one.measured:g}. Raise `budget.{one.limit}`."
            )
    return certificates


def _measured(cost: ServingCost) -> dict[str, float]:
    return {
        "p99_ms": cost.row_p99_us / 1e3,
        "candidates_p99_ms": cost.candidates_p99_us / 1e3,
        "memory_bytes": cost.memory_bytes,
    }


def _fits(variant: Variant, budget: BudgetConfig, base: Variant) -> bool:
    own, usual = variant.cost, base.cost
    if not budget.admits_larger and (
        own.multiply_adds > COST_TOLERANCE * usual.multiply_adds
        or (budget.parameters is None and own.parameters_per_path > COST_TOLERANCE * usual.parameters_per_path)
    ):
        return False
    return (
        own.multiply_adds <= (budget.multiply_adds or math.inf)
        and own.parameters_total <= (budget.parameters or math.inf)
        and len(variant.models) <= (budget.groups or math.inf)
    )


def _no_candidate(variants: tuple[Variant, ...], budget: BudgetConfig, missed: Collection[str]) -> str:
    candidates = [variant for variant in variants if is_candidate(variant.name, larger=budget.admits_larger)]
    smallest = min(candidates, key=lambda variant: variant.cost.parameters_total)
    if missed:
        limits = {name: limit for name, limit in budget.limits.items() if name in MEASURED_LIMITS}
        stated = " and ".join(f"`budget.{name}` = {limit:g}{' ms' * name.endswith('_ms')}" for name, limit in limits.items())
        return f"No variant keeps within {stated} here: {', '.join(missed)} did not. Raise it."
    return (
        f"No variant keeps within the budget (parameters {budget.parameters}, multiply_adds {budget.multiply_adds}, "
        f"groups {budget.groups}): the smallest, `{smallest.name}`, "
        f"has {smallest.cost.parameters_total:,} parameters and {smallest.cost.multiply_adds:,.0f} multiply-adds. Raise the budget, "
        "or lower `learning.training.embedding_dim`."
    )
