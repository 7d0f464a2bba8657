"""What a run must keep within: a variant that may be served, a bundle that is fast enough, and the certificate that says so."""

from __future__ import annotations

import time
from collections.abc import Collection

import numpy as np

from ihas.bundle.values import Bundle
from ihas.config.budget import BudgetConfig
from ihas.data.dataset import Splits
from ihas.errors import BudgetError
from ihas.metrics import auc
from ihas.results.run_result import Certificate, VariantResult
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.stages.evaluate.stage import choose, is_candidate
from ihas.stages.evaluate.variants import Variant
from ihas.stages.members import COST_TOLERANCE

WARM_UP, MEASURED = 50, 500


def choose_within(variants: tuple[Variant, ...], parts: Splits, budget: BudgetConfig, slow: Collection[str] = ()) -> Variant:
    """The variant that is served: of those within the budget, by the rule without one; where the base is not within it, the best.

    Without `budget.multiply_adds` it costs no more than the plain model and a tenth.

    Args:
        variants: all, the base first.
        parts: validation rows decide.
        budget: limits.
        slow: names of variants that were found to miss `p99_ms`.

    Raises:
        BudgetError: none is within the budget.
    """
    limit = COST_TOLERANCE * variants[0].cost.multiply_adds if budget.multiply_adds is None else budget.multiply_adds
    within = tuple(variant for variant in variants if variant.name not in slow and _fits(variant, budget, limit))
    candidates = [variant for variant in within if is_candidate(variant.name, larger=budget.multiply_adds is not None)]
    if not candidates:
        raise BudgetError(_no_candidate(variants, budget, slow))
    if candidates[0] is variants[0]:
        return choose(tuple(candidates), parts)
    return max(candidates, key=lambda variant: auc(variant.valid_logits, parts.valid.labels) or 0.0)


def p99_ms(bundle: Bundle) -> float:
    """Milliseconds within which one row is scored, 99 times of 100: golden rows one by one, after a warm-up."""
    recommender, rows = GroupedRecommender(bundle), bundle.golden.ids
    took = np.empty(MEASURED)
    for call in range(-WARM_UP, MEASURED):
        row = rows[call % len(rows)][None]
        began = time.perf_counter()
        recommender.score_ids(row)
        if call >= 0:
            took[call] = time.perf_counter() - began
    return float(np.quantile(took, 0.99)) * 1e3


def certify(budget: BudgetConfig, chosen: VariantResult, wall_s: float, p99: float | None) -> tuple[Certificate, ...]:
    """Every limit of the budget with what was measured.

    Raises:
        BudgetError: a limit is not kept.
    """
    measured = {
        "wall_s": wall_s,
        "parameters": chosen.cost.parameters_total,
        "multiply_adds": chosen.cost.multiply_adds,
        "groups": chosen.num_groups,
        "p99_ms": p99,
    }
    limits = budget.model_dump(exclude_none=True)
    certificates = tuple(
        Certificate.model_validate({"limit": name, "at_most": limit, "measured": measured[name], "met": measured[name] <= limit})
        for name, limit in limits.items()
    )
    for one in certificates:
        if not one.met:
            raise BudgetError(
                f"`{one.limit} <= {one.at_most:g}` must hold, but the run measured {one.measured:g}. Raise `budget.{one.limit}`."
            )
    return certificates


def _fits(variant: Variant, budget: BudgetConfig, multiply_adds: float) -> bool:
    small = budget.parameters is None or variant.cost.parameters_total <= budget.parameters
    return small and variant.cost.multiply_adds <= multiply_adds and (budget.groups is None or len(variant.models) <= budget.groups)


def _no_candidate(variants: tuple[Variant, ...], budget: BudgetConfig, slow: Collection[str]) -> str:
    candidates = [variant for variant in variants if is_candidate(variant.name, larger=budget.multiply_adds is not None)]
    smallest = min(candidates, key=lambda variant: variant.cost.parameters_total)
    if slow:
        return f"No variant scores a row within `budget.p99_ms` = {budget.p99_ms:g} ms here: {', '.join(slow)} did not. Raise it."
    return (
        f"No variant keeps within the budget (parameters {budget.parameters}, multiply_adds {budget.multiply_adds}, "
        f"groups {budget.groups}): the smallest, `{smallest.name}`, "
        f"has {smallest.cost.parameters_total:,} parameters and {smallest.cost.multiply_adds:,.0f} multiply-adds. Raise the budget, "
        "or lower `learning.training.embedding_dim`."
    )
