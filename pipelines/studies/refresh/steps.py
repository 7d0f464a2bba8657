"""A model over time: trained once, then left alone, refreshed or trained anew, and judged on the rows of the step after.

    model after step t     learnt from the rows of steps 1..t; the newest tenth of them say when to stop, as a search by time has it
    judged                 AUC on all rows of step t + 1, which it has not seen, over the means of the steps

What is trained is what a search without teacher and gates would serve: the plain model, or members where validation prefers them, trained
once more on validation rows too. A refresh goes through the same functions as `ihas refresh`: the model learns on and anew, the better
one is served, trained once more where it learnt anew; the old model is kept where validation rows prefer it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig
from ihas.config.refresh import RefreshConfig
from ihas.data.dataset import Dataset, joined
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
from ihas.stages.base import train_base
from ihas.stages.evaluate.variants import Variant, plain_variant
from ihas.stages.members import MemberModel, train_members
from ihas.stages.warm import Warming
from ihas.training.plain import PlainModel, Refitting
from ihas_pipelines.runs.refit import train_once_more
from ihas_pipelines.runs.warm_model import grown_models

STARTS: tuple[Start, Start] = ("mean", "unknown")


@dataclass(frozen=True)
class Fresh:
    """A model at one moment.

    Attributes:
        data: what it learnt from.
        variant: the model that does not know the validation rows, with its settings.
        served: what answers: the same trained once more, where it learnt from fresh weights.
    """

    data: Ingested
    variant: Variant
    served: GroupModel

    def judged(self, table: DataConfig) -> tuple[float, float]:
        """AUC and log-loss of all rows of a table, encoded as serving would."""
        file = read(table.path, options_of(table))
        ids, labels = encode_table(file.rows, self.data.schema, self.data.encoder)
        rows = Dataset(self.data.encoder.layout, ids, labels)
        logits = predict_groups((self.served,), GroupedRows.one_group(rows), self.variant.config)
        return auc(logits, labels) or 0.5, float(row_losses(logits, labels).mean())


def trained_anew(table: DataConfig, config: LearningConfig, folder: Path) -> Fresh:
    """The plain model of a table, or members where validation prefers them."""
    data = ingest(table, config.encoding, config.split, config.seed, folder)
    base = train_base(data.parts, config, _ignore)
    settings = base.resolved(config)
    members = train_members(data.parts, settings, _ignore) if config.members.counts else None
    model: PlainModel | MemberModel = base.trials[0].model
    if members is not None and members.split.score > base.trials[0].score:
        model, settings = members.split, members.split.config
    return _fresh(data, plain_variant("served", model.weights, data.parts, settings, model.courses))


def refreshed(before: Fresh, table: DataConfig, settings: RefreshConfig, folder: Path) -> Fresh:
    """The model after it learnt on or anew, or as it was where validation rows prefer that."""
    config = before.variant.config
    data = ingest_newer(table, Earlier(before.data, config), folder)
    growth = Growth.between(before.data.encoder.layout, data.encoder.layout)
    (start,), (kept,) = (grown_models(before.variant.models, growth, how) for how in STARTS)
    warm = Warming(data.parts, config, settings).learn_on_or_anew(start, _ignore)
    old, new = (plain_variant("served", weights, data.parts, config) for weights in (kept.weights, warm.models[0].weights))
    rank = [auc(one.valid_logits, data.parts.valid.labels) or 0.5 for one in (old, new)]
    if rank[1] >= rank[0]:
        return _fresh(data, replace(new, courses=warm.courses))
    (served,) = grown_models((before.served,), growth, "unknown")
    return Fresh(data, old, served)


def _fresh(data: Ingested, variant: Variant) -> Fresh:
    """Served is the variant trained once more, where that can be done."""
    (model,), parts = variant.models, data.parts
    refitting = Refitting(joined(parts.train, parts.valid), len(parts.train))
    weights = train_once_more(refitting, parts, variant) if variant.courses else None
    return Fresh(data, variant, model if weights is None else replace(model, weights=weights))


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
