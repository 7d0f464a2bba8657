"""How a peer spends the passes over the training rows that every variant is given.

The base is trained for `training.epochs`, then again for `search.epochs` and `retrain.epochs`, learning rate and optimiser
starting anew each time (ihas/plain.py). A peer that starts from a trained model does the same; a peer
that searches and then retrains from scratch searches for the two short trainings and retrains for the long one.
"""

from __future__ import annotations

from collections.abc import Callable

from ihas.config import LearningConfig
from ihas.data.dataset import Parts
from ihas.training import EpochListener, Trainer, TrainingRows


def search_epochs(config: LearningConfig) -> int:
    """Most epochs of a search that a retraining from scratch follows."""
    return config.search.epochs + config.retrain.epochs


def continue_training(name: str, make: Callable[[], Trainer], parts: Parts, config: LearningConfig, listen: EpochListener) -> None:
    """The two short trainings, each with a fresh trainer of the same network, which never ends worse on validation rows."""
    rows = TrainingRows.one_group(parts)
    for number, epochs in enumerate((config.search.epochs, config.retrain.epochs), 1):
        make().fit(f"{name}/again-{number}", rows, epochs, listen, start_counts=True)
