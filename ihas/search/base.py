"""The plain model: embedding and backbone, every dimension kept; what everything else is measured against."""

from __future__ import annotations

from dataclasses import dataclass

from ihas.config import LearningConfig
from ihas.data.dataset import Parts
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.prediction import GroupedRows
from ihas.results import EpochFigures
from ihas.seeding import generator
from ihas.training import EpochListener, Trainer


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
    trainer = Trainer(network, config.training, rng)
    train, valid = GroupedRows.one_group(parts.train), GroupedRows.one_group(parts.valid)
    history = trainer.fit("base", train, valid, config.training.epochs, listen)
    return BaseModel(network.weights(), history)
