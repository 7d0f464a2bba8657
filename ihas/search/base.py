"""The plain model: embedding and backbone, every dimension kept; what everything else is measured against."""

from __future__ import annotations

from dataclasses import dataclass

from ihas.config import LearningConfig
from ihas.data.dataset import Parts
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.results import EpochFigures
from ihas.seeding import generator
from ihas.training import EpochListener, Trainer, TrainingRows


@dataclass(frozen=True)
class BaseModel:
    """A trained plain model.

    Attributes:
        weights: its parameters.
        history: its epochs.
    """

    weights: NetworkWeights
    history: tuple[EpochFigures, ...]


def train_base(parts: Parts, config: LearningConfig, listen: EpochListener) -> BaseModel:
    """Train the backbone on the whole embedding.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    rng = generator(config.seed, "base")
    network = Network(parts.train.layout, config.backbone, config.training.embedding_dim)
    network.assign(fresh_weights(parts.train.layout, config, rng))
    history = Trainer(network, config.training, rng).fit("base", TrainingRows.one_group(parts), config.training.epochs, listen)
    return BaseModel(network.weights(), history)


def continue_base(parts: Parts, base: BaseModel, config: LearningConfig, listen: EpochListener) -> BaseModel:
    """The plain model given what the searched variants are given: training again for the search's and the retraining's epochs.

    Each time the learning rate and the optimiser start anew, as they do there. Without this, a searched variant could
    win by its longer training alone.
    """
    rng = generator(config.seed, "continued base")
    network = Network(parts.train.layout, config.backbone, config.training.embedding_dim)
    network.assign(base.weights)
    history: tuple[EpochFigures, ...] = ()
    for name, epochs in (("base/again", config.search.epochs), ("base/once-more", config.retrain.epochs)):
        trainer = Trainer(network, config.training, rng)
        history += trainer.fit(name, TrainingRows.one_group(parts), epochs, listen, start_counts=True)
    return BaseModel(network.weights(), history)
