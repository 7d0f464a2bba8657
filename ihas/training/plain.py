"""A plain model: embedding and backbone, every dimension kept.

    refit   the same trainings from fresh weights, on training and validation rows together, for as many epochs at the same rates (steps.py)

Validation rows, which said when to stop, are learnt from at last: the newest rows where rows are divided by time. Source: our choice
(decision 92).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.layers.hidden import Weights
from ihas.models.heads import joined_heads, split_heads
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.training.steps import Steps
from ihas.training.trainer import EpochListener, Trainer, TrainingRows, batch_size_for


@dataclass(frozen=True)
class PlainModel:
    """A trained plain model.

    Attributes:
        weights: its parameters.
        history: its epochs.
        courses: how it came to its weights, a course for each training; empty in results of an earlier version.
        heads: backbone of each further task, over the same table; empty where there is one label.
    """

    weights: NetworkWeights
    history: tuple[EpochMetrics, ...]
    courses: tuple[Steps, ...] = ()
    heads: tuple[Weights, ...] = ()


def by_task(weights: NetworkWeights, heads: int) -> tuple[NetworkWeights, tuple[Weights, ...]]:
    """Weights of the first task, and the backbones of the others."""
    if heads == 1:
        return weights, ()
    first, *others = split_heads(weights.backbone, heads)
    return NetworkWeights(weights.table, first), tuple(others)


def train_plain(parts: Splits, config: LearningConfig, name: str, listen: EpochListener, mask: np.ndarray | None = None) -> PlainModel:
    """Train the backbone from fresh weights on the whole embedding, or on the dimensions of a mask, bool (num_fields, dim).

    Args:
        parts: encoded rows.
        config: settings.
        name: random stream.
        listen: told of every epoch.
        mask: dimensions that are kept; None for all.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    rng = generator(config.seed, name)
    heads = parts.train.num_tasks
    network = Network(parts.train.layout, config.backbone, config.training.embedding_dim, heads=heads)
    network.assign(fresh_weights(parts.train.layout, config, rng, heads), mask)
    trainer = Trainer(network, config.training, rng)
    history = trainer.fit(name, TrainingRows.one_group(parts), config.training.epochs, listen)
    weights, others = by_task(network.weights(), heads)
    return PlainModel(weights, history, (trainer.steps,), others)


@dataclass(frozen=True)
class Refitting:
    """What models are trained once more on.

    Attributes:
        rows: training and validation rows together.
        learnt_from: how many rows they learnt from before: a step stays one on as many rows, which its rate was chosen for.
    """

    rows: Dataset
    learnt_from: int

    def train(
        self, config: LearningConfig, name: str, courses: tuple[Steps, ...], mask: np.ndarray | None = None, *, start: int = 0
    ) -> NetworkWeights:
        """Train from fresh weights as a plain model, or a pruned one, was; of several tasks, the weights of all output units (`by_task`).

        Args:
            config: settings of the model.
            name: its random stream.
            courses: how it came to its weights.
            mask: bool (num_fields, dim). Dimensions that a pruned model reads; None for all.
            start: number of the random start.

        Raises:
            TrainingError: the loss became infinite or not a number.
        """
        rng = generator(config.seed, "refit", f"{name} from start {start}" if start else name)
        heads = self.rows.num_tasks
        network = Network(self.rows.layout, config.backbone, config.training.embedding_dim, heads=heads)
        network.assign(fresh_weights(self.rows.layout, config, rng, heads), mask)
        rows, size = GroupedRows.one_group(self.rows), config.training.batch_size or batch_size_for(self.learnt_from)
        for steps in courses:
            Trainer(network, config.training.model_copy(update={"batch_size": size}), rng).repeat(steps, rows)
        return network.weights()


def continue_plain(parts: Splits, start: PlainModel, config: LearningConfig, name: str, listen: EpochListener) -> PlainModel:
    """A plain model given what the searched variants are given: training again for the search's and the retraining's epochs.

    Each time the learning rate and the optimiser start anew, as they do there. Without this, a searched variant could
    win by its longer training alone.
    """
    rng = generator(config.seed, f"continued {name}")
    heads = 1 + len(start.heads)
    network = Network(parts.train.layout, config.backbone, config.training.embedding_dim, heads=heads)
    network.assign(NetworkWeights(start.weights.table, joined_heads((start.weights.backbone, *start.heads))))
    again = train_again(name, lambda: Trainer(network, config.training, rng), TrainingRows.one_group(parts), config, listen)
    courses = (*start.courses, *again.courses) if start.courses else ()  # from where nothing leads from fresh weights, nothing does
    weights, others = by_task(network.weights(), heads)
    return PlainModel(weights, again.history, courses, others)


@dataclass(frozen=True)
class Again:
    """Epochs of the two short trainings, and how each came to what it kept."""

    history: tuple[EpochMetrics, ...]
    courses: tuple[Steps, ...]


def train_again(name: str, make: Callable[[], Trainer], rows: TrainingRows, config: LearningConfig, listen: EpochListener) -> Again:
    """The two short trainings, each with a fresh trainer of the same network, which never ends worse on validation rows."""
    found = Again((), ())
    for number, epochs in enumerate((config.search.epochs, config.retrain.epochs), 1):
        trainer = make()
        history = trainer.fit(f"{name}/again-{number}", rows, epochs, listen, start="counts")
        found = Again((*found.history, *history), (*found.courses, trainer.steps))
    return found
