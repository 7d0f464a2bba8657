"""A plain model: embedding and backbone, every dimension kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.training.trainer import EpochListener, Trainer, TrainingRows


@dataclass(frozen=True)
class PlainModel:
    """A trained plain model.

    Attributes:
        weights: its parameters.
        history: its epochs.
    """

    weights: NetworkWeights
    history: tuple[EpochMetrics, ...]


def train_plain(parts: Splits, config: LearningConfig, name: str, listen: EpochListener) -> PlainModel:
    """Train the backbone on the whole embedding from fresh weights; `name` is its random stream.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    rng = generator(config.seed, name)
    network = Network(parts.train.layout, config.backbone, config.training.embedding_dim)
    network.assign(fresh_weights(parts.train.layout, config, rng))
    history = Trainer(network, config.training, rng).fit(name, TrainingRows.one_group(parts), config.training.epochs, listen)
    return PlainModel(network.weights(), history)


def continue_plain(parts: Splits, start: NetworkWeights, config: LearningConfig, name: str, listen: EpochListener) -> PlainModel:
    """A plain model given what the searched variants are given: training again for the search's and the retraining's epochs.

    Each time the learning rate and the optimiser start anew, as they do there. Without this, a searched variant could
    win by its longer training alone.
    """
    rng = generator(config.seed, f"continued {name}")
    network = Network(parts.train.layout, config.backbone, config.training.embedding_dim)
    network.assign(start)
    history = train_again(name, lambda: Trainer(network, config.training, rng), TrainingRows.one_group(parts), config, listen)
    return PlainModel(network.weights(), history)


def train_again(
    name: str, make: Callable[[], Trainer], rows: TrainingRows, config: LearningConfig, listen: EpochListener
) -> tuple[EpochMetrics, ...]:
    """The two short trainings, each with a fresh trainer of the same network, which never ends worse on validation rows; their epochs."""
    history: tuple[EpochMetrics, ...] = ()
    for number, epochs in enumerate((config.search.epochs, config.retrain.epochs), 1):
        history += make().fit(f"{name}/again-{number}", rows, epochs, listen, start="counts")
    return history
