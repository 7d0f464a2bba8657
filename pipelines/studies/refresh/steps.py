"""A model over time: trained once, then left alone, refreshed or trained anew, and judged on the rows of the step after.

    model after step t     learnt from the rows of steps 1..t; the newest tenth of them say when to stop, as a search by time has it
    judged                 AUC on all rows of step t + 1, which it has not seen, over the means of the steps

What is trained is what a search without teacher and gates would serve: the plain model, or members where validation prefers them. A refresh
goes through the same functions as `ihas refresh`, and keeps the old model where validation rows prefer it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig
from ihas.config.refresh import RefreshConfig
from ihas.data.dataset import Dataset
from ihas.data.fitting import encode_table
from ihas.data.grown_encoder import Growth, Start
from ihas.data.ingest import ingest
from ihas.data.readers import read
from ihas.data.reading import options_of
from ihas.data.reingest import Earlier, ingest_newer
from ihas.data.storage import Ingested
from ihas.metrics import auc, row_losses
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.results.run_result import EpochMetrics
from ihas.routing.grouping import PartGroups
from ihas.stages.base import train_base
from ihas.stages.members import train_members
from ihas.stages.warm import Warming
from ihas_pipelines.runs.warm_model import grown_models

STARTS: tuple[Start, Start] = ("mean", "unknown")


@dataclass(frozen=True)
class Fresh:
    """A model at one moment.

    Attributes:
        data: what it learnt from.
        model: its weights and mask.
        config: settings that it was trained with.
    """

    data: Ingested
    model: GroupModel
    config: LearningConfig

    def judged(self, table: DataConfig) -> tuple[float, float]:
        """AUC and log-loss of all rows of a table, encoded as serving would."""
        file = read(table.path, options_of(table))
        ids, labels = encode_table(file.rows, self.data.schema, self.data.encoder)
        rows = Dataset(self.data.encoder.layout, ids, labels)
        logits = predict_groups((self.model,), GroupedRows.one_group(rows), self.config)
        return auc(logits, labels) or 0.5, float(row_losses(logits, labels).mean())


def trained_anew(table: DataConfig, config: LearningConfig, folder: Path) -> Fresh:
    """The plain model of a table, or members where validation prefers them."""
    data = ingest(table, config.encoding, config.split, config.seed, folder)
    base = train_base(data.parts, config, _ignore)
    settings = base.resolved(config)
    members = train_members(data.parts, settings, _ignore) if config.members.counts else None
    weights = base.weights
    if members is not None and members.split.score > base.trials[0].score:
        weights, settings = members.split.weights, members.split.config
    mask = np.ones((data.encoder.layout.num_fields, settings.training.embedding_dim), bool)
    return Fresh(data, GroupModel("served", weights, mask), settings)


def refreshed(before: Fresh, table: DataConfig, settings: RefreshConfig, folder: Path) -> Fresh:
    """The model after it learnt on, or as it was where validation rows prefer that."""
    data = ingest_newer(table, Earlier(before.data, before.config), folder)
    growth = Growth.between(before.data.encoder.layout, data.encoder.layout)
    (start,), (kept,) = (grown_models((before.model,), growth, how) for how in STARTS)
    warm = Warming(data.parts, before.config, settings).learn_on((start,), PartGroups.without_rows(), _ignore)
    rows = GroupedRows.one_group(data.parts.valid)
    scores = [auc(predict_groups((model,), rows, before.config), data.parts.valid.labels) or 0.5 for model in (kept, warm.models[0])]
    return Fresh(data, warm.models[0] if scores[1] >= scores[0] else kept, before.config)


def _ignore(_: EpochMetrics) -> None:
    """Listens to no epoch."""


@dataclass(frozen=True)
class Walk:
    """A strategy over time.

    Attributes:
        scores: AUC and log-loss of each step.
        rows: rows of each step.
        seconds: processor time of what it trained, the reading of tables included, the first model not.
    """

    scores: tuple[tuple[float, float], ...]
    rows: tuple[int, ...]
    seconds: float


def walk(
    first: Fresh, tables: list[tuple[DataConfig, DataConfig, int]], every: int, renew: Callable[[Fresh, DataConfig, int], Fresh]
) -> Walk:
    """Go through the steps.

    Args:
        first: the model before the first of them.
        tables: of each step: all rows before it, its own rows, and how many these are.
        every: steps between two renewals; 0 for none.
        renew: makes the model of a table; told the number of the step.
    """
    model, scores, seconds = first, list[tuple[float, float]](), 0.0
    for number, (before, own, _) in enumerate(tables):
        if every and number and number % every == 0:
            began = time.process_time()
            model = renew(model, before, number)
            seconds += time.process_time() - began
        scores.append(model.judged(own))
    return Walk(tuple(scores), tuple(rows for _, _, rows in tables), seconds)
