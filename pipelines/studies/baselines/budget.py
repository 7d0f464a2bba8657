"""The passes over the training rows of a baseline method, as many as every variant has.

The base is trained for `training.epochs`, then again for `search.epochs` and `retrain.epochs`, with a fresh learning rate and optimiser
each time (`ihas.training.plain.train_again`). A baseline method that starts from a trained model does the same; one that searches and then
retrains from scratch searches for the two short trainings and retrains for the long one.
"""

from __future__ import annotations

from ihas.config.learning import LearningConfig


def search_epochs(config: LearningConfig) -> int:
    """Most epochs of a search that a retraining from scratch follows."""
    return config.search.epochs + config.retrain.epochs
