"""How a peer spends the passes over the training rows that every variant is given.

The base is trained for `training.epochs`, then again for `search.epochs` and `retrain.epochs`, learning rate and optimiser
starting anew each time (`ihas.training.plain.train_again`). A peer that starts from a trained model does the same; a peer
that searches and then retrains from scratch searches for the two short trainings and retrains for the long one.
"""

from __future__ import annotations

from ihas.config.learning import LearningConfig


def search_epochs(config: LearningConfig) -> int:
    """Most epochs of a search that a retraining from scratch follows."""
    return config.search.epochs + config.retrain.epochs
