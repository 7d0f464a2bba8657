"""Stage 3: a model per group.

specialise   one model on all rows, each under its group's mask, from the search's weights; then a copy per group,
             trained on the group's rows, kept only where validation says that it is better (our choice)
inherit      per group, from the search's weights, on the group's rows
scratch      per group, from fresh weights, on the group's rows (Yu et al., CIKM 2023, figure 1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.metrics import auc, row_losses
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.results.run_result import EpochMetrics
from ihas.routing.grouping import Grouping
from ihas.seeding import generator
from ihas.training.kept import Start
from ihas.training.parallel import train_in_parallel
from ihas.training.trainer import EpochListener, Trainer, TrainingRows

Trained = TypeVar("Trained")
SPECIALISED_RATE = 0.1  # a copy starts where the shared model's learning rate had fallen to


@dataclass(frozen=True)
class RetrainResult:
    """The models.

    Attributes:
        models: one per group; several groups may share one by name.
        history: all epochs.
        given_up: whether training on under the masks only made worse what the search had found, which was kept.
    """

    models: tuple[GroupModel, ...]
    history: tuple[EpochMetrics, ...]
    given_up: bool = False


@dataclass(frozen=True)
class Retraining:
    """What the stage works on.

    Attributes:
        parts: encoded rows.
        grouping: the groups and their masks.
        start: weights of the search.
        config: settings.
        name: purpose, the name of this retraining's random stream.
    """

    parts: Splits
    grouping: Grouping
    start: NetworkWeights
    config: LearningConfig
    name: str

    def rows(self) -> TrainingRows:
        """Training and validation rows with their groups."""
        groups = self.grouping.groups
        return TrainingRows(GroupedRows(self.parts.train, groups.train), GroupedRows(self.parts.valid, groups.valid))

    def rows_of(self, group: int) -> TrainingRows:
        """One group's rows; where it has no validation rows, all of them say when to stop."""
        rows = self.rows()
        members = rows.valid.group == group
        valid = rows.valid.take(members) if members.any() else rows.valid
        return TrainingRows(rows.train.take(rows.train.group == group), valid)

    def fit(self, name: str, weights: NetworkWeights, rows: TrainingRows, listen: EpochListener, *, copy: bool = False) -> Fitted:
        """Train from the given weights under the groups' masks; trained weights are kept where no epoch is better. A `copy` learns slowly.

        Without training rows the weights stay as they are.
        """
        if len(rows.train.group) == 0:
            return Fitted(weights, ())
        network = Network(self.parts.train.layout, self.config.backbone, self.config.training.embedding_dim)
        network.assign(weights, self.grouping.masks)
        rate = self.config.training.rate * (SPECIALISED_RATE if copy else 1.0)
        trainer = Trainer(
            network, self.config.training.model_copy(update={"learning_rate": rate}), generator(self.config.seed, self.name, name)
        )
        start: Start = "forgotten" if self.config.retrain.mode == "scratch" else "counts"
        history = trainer.fit(f"{self.name}/{name}", rows, self.config.retrain.epochs, listen, start=start)
        return Fitted(network.weights(), history, trainer.given_up)


@dataclass(frozen=True)
class Fitted:
    """Weights and the epochs that led to them, and whether these were given up."""

    weights: NetworkWeights
    history: tuple[EpochMetrics, ...]
    given_up: bool = False


def retrain_groups(retraining: Retraining, listen: EpochListener) -> RetrainResult:
    """Train the groups' models in the configured mode, beside each other where threads and memory allow.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    if retraining.config.retrain.mode == "specialise":
        return _share_then_specialise(retraining, listen)
    fitted = _for_each_group(retraining, partial(_train_alone, retraining), listen)
    models = tuple(_own_model(retraining, group, fitted[group].weights) for group in range(len(fitted)))
    return RetrainResult(models, _histories(fitted), any(one.given_up for one in fitted))


def _for_each_group(retraining: Retraining, train: Callable[[int, EpochListener], Trained], listen: EpochListener) -> list[Trained]:
    trainings = [partial(train, group) for group in range(retraining.grouping.num_groups)]
    return train_in_parallel(trainings, retraining.parts.train, retraining.config, listen)


def _train_alone(retraining: Retraining, group: int, listen: EpochListener) -> Fitted:
    return retraining.fit(f"group-{group}", _start(retraining, group), retraining.rows_of(group), listen)


def _start(retraining: Retraining, group: int) -> NetworkWeights:
    if retraining.config.retrain.mode == "inherit":
        return retraining.start
    rng = generator(retraining.config.seed, retraining.name, "scratch", str(group))
    return fresh_weights(retraining.parts.train.layout, retraining.config, rng)


def _share_then_specialise(retraining: Retraining, listen: EpochListener) -> RetrainResult:
    shared = retraining.fit("shared", retraining.start, retraining.rows(), listen)
    models = tuple(GroupModel("shared", shared.weights, mask) for mask in retraining.grouping.masks)
    if len(models) == 1:
        return RetrainResult(models, shared.history, shared.given_up)
    valid = retraining.rows().valid
    logits = predict_groups(models, valid, retraining.config)
    copies = _for_each_group(retraining, partial(_specialise, retraining, shared.weights, logits), listen)
    for group, copy in enumerate(copies):
        if copy.model is None:
            continue
        candidate = logits.copy()
        candidate[valid.group == group] = copy.logits
        if not_lower(candidate, logits, valid.rows.labels):
            models, logits = models[:group] + (copy.model,) + models[group + 1 :], candidate
    return RetrainResult(models, _histories((shared, *copies)), shared.given_up)


@dataclass(frozen=True)
class Copy:
    """A copy of the shared model after it was trained on a group's rows.

    Attributes:
        model: the group's own model, or None where it is not clearly better on the group's validation rows.
        logits: float32 (the group's validation rows,). Its answers.
        history: its epochs.
    """

    model: GroupModel | None
    logits: np.ndarray
    history: tuple[EpochMetrics, ...]


def _specialise(retraining: Retraining, shared: NetworkWeights, shared_logits: np.ndarray, group: int, listen: EpochListener) -> Copy:
    fitted = retraining.fit(f"group-{group}", shared, retraining.rows_of(group), listen, copy=True)
    model, valid = _own_model(retraining, group, fitted.weights), retraining.rows().valid
    members = valid.group == group
    own = valid.take(members)
    logits = predict_groups((model,), GroupedRows.one_group(own.rows), retraining.config)
    better = is_clearly_better(logits, shared_logits[members], own.rows.labels)
    return Copy(model if better else None, logits, fitted.history)


def _own_model(retraining: Retraining, group: int, weights: NetworkWeights) -> GroupModel:
    return GroupModel(f"group-{group}", weights, retraining.grouping.masks[group])


def _histories(trained: Sequence[Fitted | Copy]) -> tuple[EpochMetrics, ...]:
    return tuple(epoch for one in trained for epoch in one.history)


def is_clearly_better(logits: np.ndarray, shared_logits: np.ndarray, labels: np.ndarray) -> bool:
    """Whether log-loss on a group's rows is lower than the shared model's by more than a standard error; all float32 (rows,)."""
    if len(labels) < 2:
        return False
    gained = row_losses(shared_logits, labels) - row_losses(logits, labels)
    return bool(gained.mean() > gained.std() / np.sqrt(len(gained)))


def not_lower(logits: np.ndarray, shared_logits: np.ndarray, labels: np.ndarray) -> bool:
    """Whether pooled AUC is not lower; all float32 (rows,)."""
    return (auc(logits, labels) or 0.0) >= (auc(shared_logits, labels) or 0.0)
