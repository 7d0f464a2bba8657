"""A size sweep, trained size by size, or on the machines of a cluster; the folder keeps the metrics after each training."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ihas.config.base import Config
from ihas.config.size_sweep import SizeSweepLearning, SizeSweepRecipe
from ihas.data.places import files_of
from ihas.errors import ConfigError
from ihas.folders import files_digest, write_whole
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.sequential.data.ranking import RankingMetrics
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.data.sequences import LeaveOneOut, leave_one_out
from ihas.sequential.transformer.full_ranking import transformer_loss, transformer_metrics
from ihas.sequential.transformer.model import Transformer
from ihas.sequential.transformer.training import train_transformer
from ihas.training.parallel import has_cluster, train_on_cluster
from ihas.training.trainer import EpochListener
from ihas_pipelines.kinds.size_sweep.tasks import TaskMetrics, task_metrics
from ihas_pipelines.runs.folder import read_kept, value_digest

BYTES_A_PARAMETER = 8 * 4  # weights, two moments, gradients, the best of the epochs, and copies on their way


class TrainedSize(Config):
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
    """Test metrics under full ranking."""
    epochs: int
    """Epochs trained."""
    seconds: float
    """Wall time of the training, on the machine that it ran on."""
    tasks: TaskMetrics | None = None
    """Metrics of further tasks, where the recipe asks for them."""

    @property
    def key(self) -> tuple[int, int, int, int, float]:
        """Its identity in a recipe: layers, dim, heads, seed and share of the users."""
        return self.num_layers, self.dim, self.num_heads, self.seed, self.fraction


class SizeSweep(Config):
    """All trainings of a recipe."""

    name: str
    """Name of the size sweep."""
    settings: str
    """Digest of the data and of the settings that all trainings share."""
    rungs: tuple[TrainedSize, ...]
    """Trained sizes, in the order of their training; the field has the name of format 0.1.0."""


def train_sizes(recipe: SizeSweepRecipe, folder: Path, report: Callable[[tuple[int, int], str], None]) -> SizeSweep:
    """Train every size and seed of a recipe that `ladder.json` in the folder does not hold: smallest first, or on a cluster.

    Args:
        recipe: sizes, seeds and shares of the users.
        folder: takes `ladder.json`.
        report: takes how many trainings of how many are done, and a message, after each.

    Raises:
        ConfigError: the folder's sizes were trained on other data or with other settings.
        ConfigError, DataError, TrainingError, ClusterError: as reading and training say.
    """
    known, plan, settings = folder / "ladder.json", recipe.learning, settings_digest(recipe)
    trained = {one.key: one for one in _known(known, settings)}
    data = read_sequences(recipe.data)
    parts = leave_one_out(data.sequences)
    sizes = sorted(plan.sizes, key=lambda size: plan.config(size).num_parameters)
    keys = [(*size, seed, fraction) for seed in plan.seeds for fraction in (*plan.fractions, 1.0) for size in sizes]
    missing = [key for key in keys if key not in trained]
    trainings = [partial(_train, plan, parts, data.num_items, key) for key in missing]

    def keep(number: int, one: TrainedSize) -> None:
        trained[missing[number]] = one
        write_whole(known, SizeSweep(name=recipe.name, settings=settings, rungs=tuple(trained.values())).model_dump_json(indent=1))
        users = f"seed {one.seed}, {one.fraction:.0%} of the users"
        done = (sum(key in trained for key in keys), len(keys))
        report(done, f"{one.num_layers} x {one.dim}, {users}: {one.loss:.4f} nats, {one.seconds:.0f} s")

    if has_cluster() and len(missing) > 1:
        largest = max(plan.config(size).num_parameters for size in plan.sizes) + data.num_items * max(dim for _, dim, _ in plan.sizes)
        train_on_cluster(trainings, BYTES_A_PARAMETER * largest, _nobody, keep)
    else:
        for number, training in enumerate(trainings):
            keep(number, training(_nobody))
    return SizeSweep(name=recipe.name, settings=settings, rungs=tuple(trained[key] for key in keys))


def settings_digest(recipe: SizeSweepRecipe) -> str:
    """Digest of everything that decides a training except its size, seed and share of the users."""
    plan = recipe.learning
    shared = {
        "data": files_digest(files_of(recipe.data.paths, recipe.data.format)),
        "reading": recipe.data.model_dump(mode="json", exclude={"path", "appended"}),
        "transformer": plan.transformer.model_dump(mode="json", exclude={"num_layers", "dim", "num_heads"}),
        "training": plan.training.model_dump(mode="json", exclude={"seed"}),
        "tasks": plan.tasks,
    }
    return value_digest(shared)


def _known(path: Path, settings: str) -> list[TrainedSize]:
    if not path.exists():
        return []
    found = read_kept(path, SizeSweep)
    if found.settings != settings:
        raise ConfigError(
            f"A size sweep is resumed with the same data and settings, but {path} was trained under others "
            f"({found.settings[:12]}, not {settings[:12]}). Name another folder, or take the settings back."
        )
    return list(found.rungs)


def _nobody(_: EpochMetrics) -> None:
    """Nobody listens to the epochs of a size."""


def _train(
    plan: SizeSweepLearning, parts: LeaveOneOut, num_items: int, key: tuple[int, int, int, int, float], _: EpochListener
) -> TrainedSize:
    *size, seed, fraction = key
    config = plan.config((int(size[0]), int(size[1]), int(size[2])))
    users = generator(seed, "fraction").permutation(len(parts.train))[: max(1, round(fraction * len(parts.train)))]
    train = parts.train if fraction == 1.0 else parts.train.take(np.sort(users))
    start = time.perf_counter()
    training = plan.training.model_copy(update={"seed": seed})
    trained = train_transformer(train, parts.valid, num_items, config, training, lambda _: None)
    seconds = time.perf_counter() - start
    network = Transformer.of(config, trained.weights)
    return TrainedSize(
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
        tasks=task_metrics(network, parts, num_items, seed) if plan.tasks else None,
    )
