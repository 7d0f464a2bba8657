"""The chosen model, and the plain one beside it, trained once more on training and validation rows together.

    learnt as much    upper end of the paired 95 % interval of  AUC(once more) - AUC(before)  on validation rows  >=  0

The model knows these rows now and did not before, so that only a training that never began stays clearly below: where pairs of values
alone tell, the same epochs from another start can end at chance. Source of the interval: DeLong et al. 1988; the rule is our choice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ihas.data.dataset import Splits, joined
from ihas.metrics import auc_difference, click_metrics
from ihas.models.network import NetworkWeights, table_width
from ihas.models.prediction import GroupedRows, predict_groups
from ihas.results.run_result import Refit
from ihas.stages.evaluate.variants import Variant
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import Refitting, by_task
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.folder import RunFolder, stage_key

STARTS = 3
"""Random starts that are tried until one has learnt as much."""


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
    """Train both once more; None where one of them did not learn from the clicks alone, or from no start learns as much again.

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
        trainings = [partial(_train, Refitting(rows, len(parts.train)), parts, variant) for variant in wanted]
        found = [weights for weights in train_in_parallel(trainings, rows, widest, lambda _: None) if weights is not None]
        if len(found) < len(wanted):
            return ()
        return tuple(_with_weights(variant, own, parts) for variant, own in zip(wanted, found, strict=True))

    trained: tuple[Variant, ...] = folder.stage("refit", stage_key("refit", key, [variant.name for variant in wanted]), train)
    return Refits(trained[0], trained[-1]) if trained else None


def _train(refitting: Refitting, parts: Splits, variant: Variant, _: EpochListener) -> NetworkWeights | None:
    return train_once_more(refitting, parts, variant)


def train_once_more(refitting: Refitting, parts: Splits, variant: Variant) -> NetworkWeights | None:
    """Weights, of all tasks' output units, from the first start that has learnt as much; None where none has.

    Args:
        refitting: training and validation rows together.
        parts: the same rows, apart.
        variant: one model, with its courses.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    (model,) = variant.models
    mask, valid = None if model.mask.all() else model.mask, GroupedRows.one_group(parts.valid)
    for start in range(STARTS):
        weights = refitting.train(variant.config, variant.name, variant.courses, mask, start=start)
        first = replace(model, weights=by_task(weights, 1 + len(variant.heads))[0])
        if _learnt_as_much(predict_groups((first,), valid, variant.config), variant, parts):
            return weights
    return None


def _learnt_as_much(logits: np.ndarray, variant: Variant, parts: Splits) -> bool:
    return auc_difference(logits, variant.valid_logits, parts.valid.labels).high >= 0.0


def _with_weights(variant: Variant, weights: NetworkWeights, parts: Splits) -> Variant:
    first, heads = by_task(weights, 1 + len(variant.heads))
    made = replace(variant, models=(replace(variant.models[0], weights=first),), heads=heads)
    test = predict_groups(made.models, GroupedRows.one_group(parts.test), variant.config)
    return replace(made, test_logits=test, test_tasks=made.task_logits(parts.test))


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
