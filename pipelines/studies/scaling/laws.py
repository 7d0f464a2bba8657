"""What a ladder says: sizes with the loss of each seed, the law of size, the law of size and data, and how they foretold the largest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.results.run_result import Interval
from ihas.sequential.scaling.advised import Measured
from ihas.sequential.scaling.scaling_law import JointScalingLaw, ScalingLaw, bootstrap, fit_joint_scaling_law
from pipelines.studies.scaling.ladder import Rung


class Forecast(Config):
    """The law of all sizes but the largest, and how it foretold the largest."""

    law: ScalingLaw
    """E, in nats, N0 and alpha."""
    exponent: Interval
    """alpha with its interval."""
    foretold: Interval
    """Loss foretold for the largest size."""
    measured: float
    """Its mean loss."""


class JointForecast(Config):
    """The law of size and data, fitted to every point but the largest size on all users, and how it foretold that one."""

    law: JointScalingLaw
    """E, N0 with a, and D0 with b."""
    foretold: float
    """Loss foretold for the largest size on all users."""
    measured: float
    """Its mean loss."""


def measured(rungs: Sequence[Rung]) -> tuple[Measured, ...]:
    """Sizes on all users, smallest first, with the loss of each seed that every size has."""
    whole = [rung for rung in rungs if rung.fraction == 1.0]
    shapes = sorted({(rung.num_layers, rung.dim) for rung in whole}, key=lambda shape: (shape[0] * shape[1] ** 2, shape))
    of_shape = {shape: {rung.seed: rung for rung in whole if (rung.num_layers, rung.dim) == shape} for shape in shapes}
    seeds = sorted(set.intersection(*(set(found) for found in of_shape.values()))) if of_shape else []
    return tuple(
        Measured(
            num_layers=layers,
            dim=dim,
            losses=tuple(of_shape[layers, dim][seed].loss for seed in seeds),
            seconds=float(np.mean([of_shape[layers, dim][seed].seconds for seed in seeds])),
            ndcg=float(np.mean([of_shape[layers, dim][seed].figures.ndcg[10] for seed in seeds])),
        )
        for layers, dim in shapes
        if seeds
    )


def forecast(sizes: Sequence[Measured], rng: np.random.Generator) -> Forecast:
    """Fit all sizes but the largest and foretell it.

    Raises:
        ConfigError: fewer than four sizes, fewer than two seeds, or the losses of the smaller ones follow no law.
    """
    if len(sizes) < 4:
        raise ConfigError(f"A forecast needs three sizes and a larger one, but got {len(sizes)}. Train more.")
    *smaller, largest = sizes
    parameters = np.array([one.parameters for one in smaller], np.float64)
    found = bootstrap(parameters, np.array([one.losses for one in smaller]).T, np.array([float(largest.parameters)]), rng)
    return Forecast(law=found.law, exponent=found.exponent, foretold=found.predicted[0], measured=float(np.mean(largest.losses)))


def joint_forecast(rungs: Sequence[Rung]) -> JointForecast:
    """Fit size and data to every point but the largest size on all users, means over seeds, and foretell that one.

    Raises:
        ConfigError: fewer than three sizes or amounts of data, or the losses follow no law.
    """
    points = sorted({(rung.parameters, rung.interactions) for rung in rungs})
    means = [np.mean([r.loss for r in rungs if (r.parameters, r.interactions) == point]) for point in points]
    sizes, data, losses = np.array([p for p, _ in points], np.float64), np.array([d for _, d in points], np.float64), np.array(means)
    held_out = (sizes == sizes.max()) & (data == data.max())
    law = fit_joint_scaling_law(sizes[~held_out], data[~held_out], losses[~held_out])
    return JointForecast(law=law, foretold=float(law.predict(sizes.max(), data.max())), measured=float(losses[held_out][0]))
