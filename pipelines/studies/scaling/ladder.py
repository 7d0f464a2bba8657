"""A ladder, trained rung by rung; what is known is kept after each."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ihas.config.base import Config
from ihas.config.size_sweep import SizeSweepLearning, SizeSweepRecipe
from ihas.config.transformer import TransformerConfig
from ihas.errors import ConfigError
from ihas.folders import file_digest, write_whole
from ihas.seeding import generator
from ihas.sequential.data.ranking import RankingMetrics
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.data.sequences import LeaveOneOut, leave_one_out
from ihas.sequential.transformer.full_ranking import transformer_loss, transformer_metrics
from ihas.sequential.transformer.model import Transformer
from ihas.sequential.transformer.training import train_transformer
from pipelines.runs.folder import read_kept, value_digest
from pipelines.studies.scaling.tasks import TaskMetrics, task_figures


class Rung(Config):
    """One size under one seed, on all or some of the training users."""

    num_layers: int
    """Layers."""
    dim: int
    """Dimensions of an item's embedding and of the hidden states."""
    num_heads: int
    """Heads."""
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
    figures: RankingMetrics
    """Test figures under full ranking."""
    epochs: int
    """Epochs trained."""
    seconds: float
    """Wall time of the training."""
    tasks: TaskMetrics | None = None
    """What else the model can do, where it was asked."""

    @property
    def key(self) -> tuple[int, int, int, int, float]:
        """What a recipe names it by: layers, dim, heads, seed and share of the users."""
        return self.num_layers, self.dim, self.num_heads, self.seed, self.fraction


class SizeSweep(Config):
    """All rungs of a plan."""

    name: str
    """Name of the ladder."""
    settings: str
    """Digest of the data and of the settings that all rungs share."""
    rungs: tuple[Rung, ...]
    """Rungs, in the order they were trained."""


def climb(recipe: SizeSweepRecipe, folder: Path, say: Callable[[str], None]) -> SizeSweep:
    """Train every rung that `ladder.json` in the folder does not hold, smallest first; the ladder of the rungs that the recipe names.

    Raises:
        ConfigError: the folder's rungs were trained on other data or with other settings.
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    known, plan, settings = folder / "ladder.json", recipe.learning, settings_digest(recipe)
    rungs = {rung.key: rung for rung in _known(known, settings)}
    data = read_sequences(recipe.data)
    parts = leave_one_out(data.sequences)
    sizes = sorted(plan.sizes, key=lambda size: plan.config(size).num_parameters)
    asked = [(*size, seed, fraction) for seed in plan.seeds for fraction in (*plan.fractions, 1.0) for size in sizes]
    for key in asked:
        if key in rungs:
            continue
        *size, seed, fraction = key
        rung = rungs[key] = _rung(plan, plan.config((size[0], size[1], size[2])), parts, data.num_items, seed, fraction)
        write_whole(known, SizeSweep(name=recipe.name, settings=settings, rungs=tuple(rungs.values())).model_dump_json(indent=1))
        say(f"{rung.num_layers} x {rung.dim}, seed {seed}, {fraction:.0%} of the users: {rung.loss:.4f} nats, {rung.seconds:.0f} s")
    return SizeSweep(name=recipe.name, settings=settings, rungs=tuple(rungs[key] for key in asked))


def settings_digest(recipe: SizeSweepRecipe) -> str:
    """Digest of all that decides a rung beside its size, seed and fraction."""
    plan = recipe.learning
    shared = {
        "data": file_digest(recipe.data.path),
        "reading": recipe.data.model_dump(mode="json", exclude={"path"}),
        "transformer": plan.transformer.model_dump(mode="json", exclude={"num_layers", "dim", "num_heads"}),
        "training": plan.training.model_dump(mode="json", exclude={"seed"}),
        "tasks": plan.tasks,
    }
    return value_digest(shared)


def _known(path: Path, settings: str) -> list[Rung]:
    if not path.exists():
        return []
    found = read_kept(path, SizeSweep)
    if found.settings != settings:
        raise ConfigError(
            f"A ladder is gone on with under its own data and settings, but {path} was trained under others "
            f"({found.settings[:12]}, not {settings[:12]}). Name another folder, or take the settings back."
        )
    return list(found.rungs)


def _rung(plan: SizeSweepLearning, config: TransformerConfig, parts: LeaveOneOut, num_items: int, seed: int, fraction: float) -> Rung:
    users = generator(seed, "fraction").permutation(len(parts.train))[: max(1, round(fraction * len(parts.train)))]
    train = parts.train if fraction == 1.0 else parts.train.take(np.sort(users))
    start = time.perf_counter()
    training = plan.training.model_copy(update={"seed": seed})
    trained = train_transformer(train, parts.valid, num_items, config, training, lambda _: None)
    seconds = time.perf_counter() - start
    network = Transformer.of(config, trained.weights)
    return Rung(
        num_layers=config.num_layers,
        dim=config.dim,
        num_heads=config.num_heads,
        parameters=config.num_parameters,
        seed=seed,
        fraction=fraction,
        interactions=len(train.items),
        loss=transformer_loss(network, parts.test),
        figures=transformer_metrics(network, parts.test),
        epochs=len(trained.history),
        seconds=seconds,
        tasks=task_figures(network, parts, num_items, seed) if plan.tasks else None,
    )
