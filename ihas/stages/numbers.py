"""`encoding.numeric = "auto"`: the table is encoded in each form, and validation chooses.

    rows     all training rows, or `SAMPLE_ROWS` of them, and as many validation rows: the same of each form
    trials   a plain model of each form, for at most `EPOCHS` epochs from the same seed
    chosen   highest validation AUC, buckets of equals

Source: our choice (decision 83).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Literal

import numpy as np

from ihas.config.backbone import AUTO
from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset
from ihas.data.ingest import ingest
from ihas.data.storage import Ingested
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.stages.kinds import with_kind
from ihas.training.plain import train_plain
from ihas.training.trainer import EpochListener

FORMS: tuple[Literal["buckets", "piecewise"], ...] = ("buckets", "piecewise")
SAMPLE_ROWS, EPOCHS = 100_000, 12


def ingest_best(data: DataConfig, config: LearningConfig, folder: Path, listen: EpochListener) -> dict[str, float]:
    """Write the table, as `ingest` does, in the form of numbers that validation prefers.

    Args:
        data: the files.
        config: settings, whose `encoding.numeric` is `auto`.
        folder: where to write; its name with the form's behind it is used meanwhile.
        listen: told of every epoch.

    Returns:
        Highest validation AUC of each form; empty where no column is numeric, so that there is nothing to choose.

    Raises:
        ConfigError, DataError: as `ingest`.
        TrainingError: the loss became infinite or not a number.
    """
    found: dict[str, float] = {}
    for form in FORMS:
        settings = config.encoding.model_copy(update={"numeric": form})
        at = folder.with_name(f"{folder.name}-{form}")
        ingested = ingest(data, settings, config.split, config.seed, at)
        if not any(field.kind == "numeric" for field in ingested.schema.fields):
            at.rename(folder)
            return {}
        found[form] = validation_auc(ingested, config, form, listen)
    best = max(FORMS, key=found.__getitem__)
    for form in FORMS:
        at = folder.with_name(f"{folder.name}-{form}")
        if form == best:
            at.rename(folder)
        else:
            rmtree(at)
    return found


def validation_auc(ingested: Ingested, config: LearningConfig, form: str, listen: EpochListener) -> float:
    """Highest validation AUC of a plain model's epochs on some of the rows."""
    rng = generator(config.seed, "sample for numbers")
    parts = ingested.parts
    parts = replace(parts, train=_some(parts.train, rng), valid=_some(parts.valid, rng))
    settings = with_kind(config, "mlp") if config.backbone.kind == AUTO else config
    settings = settings.with_training(epochs=min(EPOCHS, config.training.epochs))

    def told(epoch: EpochMetrics) -> None:
        listen(epoch.model_copy(update={"model": f"{epoch.model}/{form}"}))

    return max(epoch.auc for epoch in train_plain(parts, settings, "numbers", told).history)


def _some(rows: Dataset, rng: np.random.Generator) -> Dataset:
    return rows if len(rows) <= SAMPLE_ROWS else rows.take(np.sort(rng.choice(len(rows), SAMPLE_ROWS, replace=False)))
