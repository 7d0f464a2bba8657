"""Which size to train next, from the measured ones.

    loss      L(N) = E + (N0 / N)^alpha, with bootstrap intervals over seeds
    seconds   T(N) = s0 + s1 N, s0 and s1 not negative, by least squares

The size advised is the largest whose training fits the budget, where its predicted loss lies below the best measured one with its whole
interval; otherwise the best measured size. Neither law is trusted far: no size above `MAX_GROWTH` times the largest measured one is
considered, none above that one where the seconds do not grow with size, and a law with its exponent at an end of its range predicts
nothing. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from ihas.config.transformer import TransformerConfig
from ihas.errors import ConfigError
from ihas.sequential.scaling.advised import Advice, Advised, Measured, SizeOptimum
from ihas.sequential.scaling.performance_law import fit_performance_law
from ihas.sequential.scaling.scaling_law import Bootstrapped, bootstrap

MAX_GROWTH = 16
"""Parameters of the largest size considered, to those of the largest measured: four times the layers and twice the dim, say."""


def advise(measured: Sequence[Measured], candidates: Sequence[tuple[int, int]], budget_seconds: float, rng: np.random.Generator) -> Advice:
    """The size to train within the budget.

    Args:
        measured: three sizes or more with the same number of seeds.
        candidates: layers and dim of sizes to consider beside the measured ones.
        budget_seconds: wall time of one training.
        rng: draws the bootstrap.

    Raises:
        ConfigError: fewer than three sizes, different numbers of seeds, or no size fits the budget.
    """
    measured_sizes = sorted(measured, key=lambda one: one.parameters)
    if len({one.parameters for one in measured_sizes}) < 3 or len({len(one.losses) for one in measured_sizes}) != 1:
        seeds = [len(one.losses) for one in measured_sizes]
        raise ConfigError(f"Advice needs three different sizes or more with the same number of seeds, but they have {seeds} seeds.")
    sizes = np.array([one.parameters for one in measured_sizes], np.float64)
    base, slope = nnls(np.column_stack([np.ones_like(sizes), sizes]), np.array([one.seconds for one in measured_sizes]))[0]
    known = {(one.num_layers, one.dim) for one in measured_sizes}
    most = sizes[-1] * (MAX_GROWTH if slope > 0.0 else 1)
    asked = sorted({*known, *(one for one in candidates if _parameters(one) <= most)}, key=lambda shape: (_parameters(shape), shape))
    fits = [shape for shape in asked if base + slope * _parameters(shape) <= budget_seconds]
    if not fits:
        least = base + slope * _parameters(asked[0])
        raise ConfigError(f"Some size must fit the budget, but the smallest takes about {least:.0f} s of {budget_seconds:g}. Raise it.")
    (law, why), (optimum, told) = _law(sizes, measured_sizes, fits, rng), best_ranking(measured_sizes)
    considered = tuple(
        Advised(
            num_layers=layers,
            dim=dim,
            parameters=_parameters((layers, dim)),
            seconds=float(base + slope * _parameters((layers, dim))),
            loss=None if law is None else law.predicted[i],
            measured=(layers, dim) in known,
        )
        for i, (layers, dim) in enumerate(fits)
    )
    return _choose(measured_sizes, considered, law, why).model_copy(update={"optimum": optimum, "optimum_reason": told})


def best_ranking(measured_sizes: Sequence[Measured]) -> tuple[SizeOptimum | None, str]:
    """Where the performance law of the measured NDCG@10 is largest, and a sentence; None where it cannot be fitted."""
    if any(one.ndcg is None for one in measured_sizes):
        return None, "NDCG@10 was not measured."
    layers, dims = (np.array(values, np.float64) for values in zip(*((one.num_layers, one.dim) for one in measured_sizes), strict=True))
    try:
        found = fit_performance_law(layers, dims, np.array([one.ndcg for one in measured_sizes], np.float64)).optimum()
    except ConfigError as error:
        return None, str(error)
    where = "within" if found.inside else "beyond"
    told = (
        f"By the performance law NDCG@10 is largest at {found.layers:.3g} layers of {found.dim:.3g}, {where} the sizes that were trained."
    )
    return SizeOptimum(num_layers=found.layers, dim=found.dim, inside=found.inside), told


def _parameters(shape: tuple[int, int]) -> int:
    return TransformerConfig(num_layers=shape[0], dim=shape[1]).num_parameters


def _law(
    sizes: np.ndarray, measured_sizes: Sequence[Measured], fits: Sequence[tuple[int, int]], rng: np.random.Generator
) -> tuple[Bootstrapped | None, str]:
    """The law, or None and why it predicts nothing."""
    losses = np.array([one.losses for one in measured_sizes]).T
    try:
        found = bootstrap(sizes, losses, np.array([_parameters(shape) for shape in fits], np.float64), rng)
    except ConfigError as error:
        return None, str(error)
    return (None, found.law.caution) if found.law.caution else (found, "")


def _choose(measured_sizes: Sequence[Measured], considered: tuple[Advised, ...], law: Bootstrapped | None, why: str) -> Advice:
    means = {(one.num_layers, one.dim): float(np.mean(one.losses)) for one in measured_sizes}
    within = [own for own in considered if own.measured] or [considered[0]]
    best = min(within, key=lambda own: means.get((own.num_layers, own.dim), np.inf))
    largest = considered[-1]
    lowest = means.get((best.num_layers, best.dim), min(means.values()))
    if law is None:
        reason = (
            f"The best size measured is advised, {lowest:.3f} nats: larger ones cannot be predicted. {why}"
            if best.measured
            else f"No size that was trained fits the budget, so the smallest that does is named, untried. {why}"
        )
        return Advice(choice=best, considered=considered, exponent=None, reason=reason)
    if largest.loss is not None and largest.loss.high < lowest and not largest.measured:
        predicted = f"{largest.loss.difference:.3f} nats ({largest.loss.low:.3f} to {largest.loss.high:.3f})"
        reason = f"The largest size that fits is predicted {predicted}, below the {lowest:.3f} of the best that was measured."
        return Advice(choice=largest, considered=considered, exponent=law.exponent, reason=reason)
    reason = f"No size within the budget is surely better than the best that was measured, {lowest:.3f} nats."
    return Advice(choice=best, considered=considered, exponent=law.exponent, reason=reason)
