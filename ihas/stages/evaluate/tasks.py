"""Metrics and calibration of each of several labels, on the rows where it is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ihas.bundle.calibration import Calibration
from ihas.config.evaluate import CalibrationMethod
from ihas.data.dataset import Dataset, Splits
from ihas.data.schema import Schema
from ihas.metrics import calibration_error, click_metrics, sigmoid
from ihas.results.run_result import TaskResult
from ihas.stages.evaluate.calibration import calibrate, calibration_result
from ihas.stages.evaluate.variants import Variant


class Known(NamedTuple):
    """Logits and labels of the rows where a label is known: float32 (n,) each."""

    logits: np.ndarray
    labels: np.ndarray


def known(rows: Dataset, logits: np.ndarray, number: int) -> Known:
    """A label's rows, the labels numbered from 0, the first one's; logits float32 (rows,)."""
    labels = rows.labels if not number or rows.tasks is None else rows.tasks[:, number - 1]
    stated = ~np.isnan(labels)
    return Known(logits[stated], np.asarray(labels[stated]))


def calibrate_task(
    variant: Variant, valid: Dataset, number: int, wanted: CalibrationMethod | None
) -> tuple[CalibrationMethod, Calibration | None]:
    """As `calibrate`, of a label."""
    return calibrate(*known(valid, _logits(variant.valid_logits, variant.valid_tasks, number), number), wanted)


def task_results(
    schema: Schema, parts: Splits, variant: Variant, served: Variant, wanted: CalibrationMethod | None
) -> tuple[TaskResult, ...]:
    """Results of each label; none where there is one.

    Args:
        schema: names the labels.
        parts: encoded rows.
        variant: the chosen one, which does not know validation rows.
        served: the same, or after it was trained on validation rows too.
        wanted: method of calibration; None to choose.
    """
    return tuple(_results(schema, parts, variant, served, wanted))


def _results(schema: Schema, parts: Splits, variant: Variant, served: Variant, wanted: CalibrationMethod | None) -> Iterator[TaskResult]:
    for number, (name, exponent) in enumerate(schema.exponents.items()):
        valid = known(parts.valid, _logits(variant.valid_logits, variant.valid_tasks, number), number)
        test = known(parts.test, _logits(served.test_logits, served.test_tasks, number), number)
        method, fitted = calibrate(*valid, wanted)
        yield TaskResult(
            name=name,
            exponent=exponent,
            valid=click_metrics(*valid),
            test=click_metrics(*test),
            valid_error=calibration_error(sigmoid(valid.logits), valid.labels) if len(valid.labels) else None,
            calibration=calibration_result(method, fitted, *test),
        )


def _logits(first: np.ndarray, others: tuple[np.ndarray, ...], number: int) -> np.ndarray:
    return (first, *others)[number]
