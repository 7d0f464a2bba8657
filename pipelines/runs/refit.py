"""The chosen model, and the plain one beside it, trained once more on training and validation rows together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ihas.data.dataset import Splits, joined
from ihas.metrics import auc_difference, click_metrics
from ihas.models.network import NetworkWeights, table_width
from ihas.models.prediction import GroupedRows, predict_groups
from ihas.results.run_result import Refit
from ihas.stages.evaluate.variants import Variant
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import Refitting
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.folder import RunFolder, stage_key


@dataclass(frozen=True)
class Refits:
    """Variants whose models learnt from validation rows too.

    Attributes:
        served: the chosen one. Its answers for validation rows are those from before, when it did not know them.
        base: the plain model, treated alike; the same where that is chosen.
    """

    served: Variant
    base: Variant


def refit_variants(folder: RunFolder, key: str, parts: Splits, served: Variant, base: Variant) -> Refits | None:
    """Train both once more; None where one of them did not learn from the clicks alone.

    Args:
        folder: keeps them.
        key: of everything before.
        parts: encoded rows.
        served: the chosen variant.
        base: the plain model.

    Raises:
        TrainingError: a loss became infinite or not a number.
    """
    wanted = list({variant.name: variant for variant in (served, base)}.values())
    if not all(variant.courses for variant in wanted):
        return None

    def train() -> tuple[Variant, ...]:
        rows, widest = joined(parts.train, parts.valid), max(wanted, key=lambda variant: table_width(variant.config)).config
        trainings = [partial(_weights, Refitting(rows, len(parts.train)), variant) for variant in wanted]
        weights = train_in_parallel(trainings, rows, widest, lambda _: None)
        return tuple(_with_weights(variant, own, parts) for variant, own in zip(wanted, weights, strict=True))

    trained: tuple[Variant, ...] = folder.stage("refit", stage_key("refit", key, [variant.name for variant in wanted]), train)
    return Refits(trained[0], trained[-1])


def _weights(refitting: Refitting, variant: Variant, _: EpochListener) -> NetworkWeights:
    mask = variant.models[0].mask
    return refitting.train(variant.config, variant.name, variant.courses, None if mask.all() else mask)


def _with_weights(variant: Variant, weights: NetworkWeights, parts: Splits) -> Variant:
    models = (replace(variant.models[0], weights=weights),)
    return replace(variant, models=models, test_logits=predict_groups(models, GroupedRows.one_group(parts.test), variant.config))


def refit_result(refits: Refits, parts: Splits) -> Refit:
    """Metrics of both on the test rows."""
    served, base, labels = refits.served, refits.base, parts.test.labels
    return Refit(
        rows=len(parts.train) + len(parts.valid),
        test=click_metrics(served.test_logits, labels, label_range=parts.test.label_range),
        base=click_metrics(base.test_logits, labels, label_range=parts.test.label_range),
        gain=None if served is base else auc_difference(served.test_logits, base.test_logits, labels),
    )


def refit_words(refit: Refit | None) -> str:
    """The result in a sentence; nothing where there is none."""
    if refit is None or refit.test.auc is None or refit.base.auc is None:
        return ""
    beside = "" if refit.gain is None else f" (the plain model, treated alike, {refit.base.auc:.4f})"
    return f" Served is this model trained once more, on training and validation rows together: test AUC {refit.test.auc:.4f}{beside}."
