"""Warm start: a trained model learns on from its own weights, on newer rows, for a few epochs.

    W <- shrink * W of the embedding table, then training at the rate that the model was trained with, for at most `epochs`

A model that serves every row alike also learns anew, from fresh weights under the same settings and mask, which costs a small part of a
search; the one that ranks validation rows better is kept. Each model of groups learns from the rows of the groups that it serves, under
their masks. The weights that it started from, not shrunk, are kept where no epoch is better on validation rows. Sizes, members, masks and
the form of gate stay.

A model that goes on from its weights as they are learns old rows by heart, more with every refresh; one whose embedding is shrunk first
keeps what it knows and learns like a new one. Source: Ash and Adams, On warm-starting neural network training (NeurIPS 2020), without their
noise, and of the embedding alone (our choice, decision 73).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.config.refresh import RefreshConfig
from ihas.data.dataset import Splits
from ihas.layers.gates import BernoulliGates
from ihas.models.network import Network, NetworkWeights
from ihas.models.prediction import GroupedRows, GroupModel, predict, predict_groups
from ihas.results.run_result import EpochMetrics
from ihas.routing.grouping import PartGroups
from ihas.routing.router import Gates
from ihas.seeding import generator
from ihas.training.kept import validation_score
from ihas.training.plain import train_plain
from ihas.training.steps import Steps
from ihas.training.trainer import EpochListener, Trainer, TrainingRows


@dataclass(frozen=True)
class WarmStart:
    """Models that learnt on.

    Attributes:
        models: one per group; groups share one by name, as before.
        gates: of a model that reads its own gates, which learnt on with it; else None.
        history: all epochs.
        courses: how the only model came to its weights, where it learnt anew from fresh ones.
    """

    models: tuple[GroupModel, ...]
    gates: Gates | None
    history: tuple[EpochMetrics, ...]
    courses: tuple[Steps, ...] = ()


@dataclass(frozen=True)
class Warming:
    """What models learn on from.

    Attributes:
        parts: encoded rows.
        config: settings that the models were trained with.
        settings: epochs at most, and by what the embedding is shrunk.
    """

    parts: Splits
    config: LearningConfig
    settings: RefreshConfig

    def learn_on(self, models: tuple[GroupModel, ...], groups: PartGroups, listen: EpochListener) -> WarmStart:
        """Train each model on the rows of its groups, or on all where it is the only one.

        Raises:
            TrainingError: the loss became infinite or not a number.
        """
        masks = np.stack([model.mask for model in models])
        history: tuple[EpochMetrics, ...] = ()
        weights: dict[str, NetworkWeights] = {}
        for name in dict.fromkeys(model.name for model in models):
            served = [number for number, model in enumerate(models) if model.name == name]
            network = self._network(models[served[0]].weights, masks)
            history += self._fit(name, network, self._rows(groups, served, len(models)), listen)
            weights[name] = network.weights()
        return WarmStart(tuple(GroupModel(one.name, weights[one.name], one.mask) for one in models), None, history)

    def learn_on_or_anew(self, model: GroupModel, listen: EpochListener) -> WarmStart:
        """Train the model on, and anew from fresh weights under the same settings and mask; the one that ranks validation rows better.

        Raises:
            TrainingError: the loss became infinite or not a number.
        """
        warm = self.learn_on((model,), PartGroups.without_rows(), listen)
        anew = train_plain(self.parts, self.config, "refresh/anew", listen, None if model.mask.all() else model.mask)
        fresh = GroupModel(model.name, anew.weights, model.mask)
        history = (*warm.history, *anew.history)
        if self._score(warm.models[0]) > self._score(fresh):
            return replace(warm, history=history)
        return WarmStart((fresh,), None, history, anew.courses)

    def _score(self, model: GroupModel) -> float:
        valid = GroupedRows.one_group(self.parts.valid)
        return validation_score(predict_groups((model,), valid, self.config), valid.rows.labels)

    def learn_on_gated(self, model: GroupModel, gates: Gates, listen: EpochListener) -> WarmStart:
        """Train a model together with the gates that each row reads.

        Raises:
            TrainingError: the loss became infinite or not a number.
        """
        layout, dim = self.parts.train.layout, self.config.training.embedding_dim
        trained = BernoulliGates(layout.num_fields, dim, self.config.search, generator(self.config.seed, "refresh", "gates"))
        trained.thaw(gates)
        network = Network(layout, self.config.backbone, dim, trained)
        network.assign(model.weights)
        history = self._fit(model.name, network, TrainingRows.one_group(self.parts), listen)
        return WarmStart((GroupModel(model.name, network.weights(), model.mask),), trained.freeze(), history)

    def _network(self, weights: NetworkWeights, masks: np.ndarray) -> Network:
        network = Network(self.parts.train.layout, self.config.backbone, self.config.training.embedding_dim)
        network.assign(weights, masks)
        return network

    def _rows(self, groups: PartGroups, served: list[int], number: int) -> TrainingRows:
        if number == 1:
            return TrainingRows.one_group(self.parts)
        train, valid = GroupedRows(self.parts.train, groups.train), GroupedRows(self.parts.valid, groups.valid)
        if len(served) == number:
            return TrainingRows(train, valid)
        own = np.isin(groups.valid, served)
        return TrainingRows(train.take(np.isin(groups.train, served)), valid.take(own) if own.any() else valid)

    def _fit(self, name: str, network: Network, rows: TrainingRows, listen: EpochListener) -> tuple[EpochMetrics, ...]:
        if len(rows.train.group) == 0:
            return ()
        start, labels = [variable.numpy() for variable in network.saved_variables], rows.valid.rows.labels
        reached = validation_score(predict(network, rows.valid), labels)
        network.table.assign(network.table * np.float32(self.settings.shrink))
        trainer = Trainer(network, self.config.training, generator(self.config.seed, "refresh", name))
        history = trainer.fit(f"refresh/{name}", rows, self.settings.epochs, listen)
        if validation_score(predict(network, rows.valid), labels) < reached:
            for variable, value in zip(network.saved_variables, start, strict=True):
                variable.assign(value)
        return history
