"""Laws of a size sweep: losses by size, the law of size, the law of size and data, and their predictions of the largest size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.results.run_result import Interval
from ihas.sequential.scaling.advised import Measured
from ihas.sequential.scaling.scaling_law import JointScalingLaw, ScalingLaw, bootstrap, fit_joint_scaling_law
from ihas_pipelines.kinds.size_sweep.sweep import TrainedSize


class Prediction(Config):
    """The law of all sizes but the largest, and its prediction of the largest."""

    law: ScalingLaw
    """E, in nats, N0 and alpha."""
    exponent: Interval
    """alpha with its interval."""
    predicted: Interval
    """Predicted loss of the largest size."""
    measured: float
    """Its mean loss."""


class JointPrediction(Config):
    """The law of size and data, fitted to every point but the largest size on all users, and its prediction of that one."""

    law: JointScalingLaw
    """E, N0 with a, and D0 with b."""
    predicted: float
    """Predicted loss of the largest size on all users."""
    measured: float
    """Its mean loss."""


def measured(trained: Sequence[TrainedSize]) -> tuple[Measured, ...]:
    """Sizes on all users, smallest first, with the loss of each seed that every size has."""
    whole = [one for one in trained if one.fraction == 1.0]
    shapes = sorted({(one.num_layers, one.dim) for one in whole}, key=lambda shape: (shape[0] * shape[1] ** 2, shape))
    of_shape = {shape: {one.seed: one for one in whole if (one.num_layers, one.dim) == shape} for shape in shapes}
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


def predict_largest(sizes: Sequence[Measured], rng: np.random.Generator) -> Prediction:
    """Fit all sizes but the largest and predict it.

    Raises:
        ConfigError: fewer than four sizes, fewer than two seeds, or the losses of the smaller ones follow no law.
    """
    if len(sizes) < 4:
        raise ConfigError(f"A prediction needs three sizes and a larger one, but got {len(sizes)}. Train more.")
    *smaller, largest = sizes
    parameters = np.array([one.parameters for one in smaller], np.float64)
    found = bootstrap(parameters, np.array([one.losses for one in smaller]).T, np.array([float(largest.parameters)]), rng)
    return Prediction(law=found.law, exponent=found.exponent, predicted=found.predicted[0], measured=float(np.mean(largest.losses)))


def joint_prediction(trained: Sequence[TrainedSize]) -> JointPrediction:
    """Fit size and data to every point but the largest size on all users, means over seeds, and predict that one.

    Raises:
        ConfigError: fewer than three sizes or amounts of data, or the losses follow no law.
    """
    points = sorted({(one.parameters, one.interactions) for one in trained})
    means = [np.mean([r.loss for r in trained if (r.parameters, r.interactions) == point]) for point in points]
    sizes, data, losses = np.array([p for p, _ in points], np.float64), np.array([d for _, d in points], np.float64), np.array(means)
    held_out = (sizes == sizes.max()) & (data == data.max())
    law = fit_joint_scaling_law(sizes[~held_out], data[~held_out], losses[~held_out])
    return JointPrediction(law=law, predicted=float(law.predict(sizes.max(), data.max())), measured=float(losses[held_out][0]))
