"""A ladder, trained rung by rung; what is known is kept after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ihas.config import Config
from ihas.errors import ConfigError
from ihas.folders import write_whole
from ihas.results import Interval
from ihas.seeding import generator
from ihas.sequential.advised import Measured
from ihas.sequential.full_ranking import transformer_figures, transformer_loss
from ihas.sequential.ladder_config import LadderLearning, LadderRecipe
from ihas.sequential.ranking import RankingFigures
from ihas.sequential.reading import read_sequences
from ihas.sequential.scaling_law import bootstrap
from ihas.sequential.sequences import LeaveOneOut, leave_one_out
from ihas.sequential.transformer import Transformer
from ihas.sequential.transformer_config import TransformerConfig
from ihas.sequential.transformer_training import train_transformer


class Rung(Config):
    """One size under one seed, on all or some of the training users."""

    num_layers: int
    """Layers."""
    dim: int
    """Embedding size."""
    parameters: int
    """N = 12 L d^2."""
    seed: int
    """Seed."""
    fraction: float
    """Share of the training users."""
    interactions: int
    """Training interactions, D."""
    loss: float
    """Cross-entropy of the test items over all items, in nats."""
    figures: RankingFigures
    """Test figures under full ranking."""
    epochs: int
    """Epochs trained."""
    seconds: float
    """Wall time of the training."""


class Ladder(Config):
    """All rungs of a plan."""

    name: str
    """Name of the ladder."""
    rungs: tuple[Rung, ...]
    """Rungs, in the order they were trained."""


class Forecast(Config):
    """The law of all sizes but the largest, and how it foretold the largest."""

    exponent: Interval
    """alpha with its interval."""
    limit: float
    """E, in nats."""
    scale: float
    """N0."""
    foretold: Interval
    """Loss foretold for the largest size."""
    measured: float
    """Its mean loss."""


def climb(recipe: LadderRecipe, folder: Path, say: Callable[[str], None]) -> Ladder:
    """Train every rung that `ladder.json` in the folder does not hold, smallest first.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    known, plan = folder / "ladder.json", recipe.learning
    rungs = list(Ladder.model_validate_json(known.read_bytes()).rungs) if known.exists() else []
    data = read_sequences(recipe.data)
    parts = leave_one_out(data.sequences)
    for seed in plan.seeds:
        for fraction in (*plan.fractions, 1.0):
            for size in sorted(plan.sizes, key=lambda size: plan.config(size).num_parameters):
                if any((r.num_layers, r.dim, r.seed, r.fraction) == (size[0], size[1], seed, fraction) for r in rungs):
                    continue
                rungs.append(_rung(plan, plan.config(size), parts, data.num_items, seed, fraction))
                write_whole(known, Ladder(name=recipe.name, rungs=tuple(rungs)).model_dump_json(indent=1))
                say(
                    f"{size[0]} x {size[1]}, seed {seed}, {fraction:.0%} of the users: {rungs[-1].loss:.4f} nats, {rungs[-1].seconds:.0f} s"
                )
    return Ladder(name=recipe.name, rungs=tuple(rungs))


def _rung(plan: LadderLearning, config: TransformerConfig, parts: LeaveOneOut, num_items: int, seed: int, fraction: float) -> Rung:
    users = generator(seed, "fraction").permutation(len(parts.train))[: max(1, round(fraction * len(parts.train)))]
    train = parts.train if fraction == 1.0 else parts.train.take(np.sort(users))
    start = time.perf_counter()
    training = plan.training.model_copy(update={"seed": seed})
    trained = train_transformer(train, parts.valid, num_items, config, training, lambda _: None)
    seconds = time.perf_counter() - start
    network = Transformer(num_items, config, np.random.default_rng(0))
    network.assign(trained.weights)
    return Rung(
        num_layers=config.num_layers,
        dim=config.dim,
        parameters=config.num_parameters,
        seed=seed,
        fraction=fraction,
        interactions=len(train.items),
        loss=transformer_loss(network, parts.test),
        figures=transformer_figures(network, parts.test),
        epochs=len(trained.history),
        seconds=seconds,
    )


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
        ConfigError: fewer than four sizes, or the losses of the smaller ones follow no law.
    """
    if len(sizes) < 4:
        raise ConfigError(f"A forecast needs three sizes and a larger one, but got {len(sizes)}. Train more.")
    *smaller, largest = sizes
    parameters = np.array([one.parameters for one in smaller], np.float64)
    found = bootstrap(parameters, np.array([one.losses for one in smaller]).T, np.array([float(largest.parameters)]), rng)
    return Forecast(
        exponent=found.exponent,
        limit=found.law.limit,
        scale=found.law.scale,
        foretold=found.foretold[0],
        measured=float(np.mean(largest.losses)),
    )
