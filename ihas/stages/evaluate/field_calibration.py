"""Scores against rates of clicks for the values of each field: a model may be right on average and wrong for a whole city."""

from __future__ import annotations

import numpy as np

from ihas.bundle.calibration import Calibration
from ihas.data.dataset import Dataset
from ihas.data.encoder import Encoder
from ihas.data.layout import PADDING
from ihas.graded_metrics import are_fractions
from ihas.metrics import row_losses, sigmoid
from ihas.results.calibration import CalibrationResult, FieldCalibration, ValueCalibration

MIN_ROWS = 50
"""Test rows of a value that is looked at (our choice)."""
WORST = 3


def with_fields(
    result: CalibrationResult | None, fitted: Calibration | None, logits: np.ndarray, rows: Dataset, encoder: Encoder
) -> CalibrationResult | None:
    """The result with every field of which a value has enough rows.

    Args:
        result: over all rows.
        fitted: what logits are answered by; None where they are answered themselves.
        logits: float (rows,), of the served model.
        rows: test rows.
        encoder: names the values.
    """
    if result is None:
        return None
    answered = logits if fitted is None else fitted(logits)
    return result.model_copy(update={"fields": by_field(answered, rows, encoder)})


def by_field(logits: np.ndarray, rows: Dataset, encoder: Encoder) -> tuple[FieldCalibration, ...]:
    """Each field but vectors, in order, without those of which no value has enough rows; a row of several values counts for each."""
    layout, scores, losses = encoder.layout, sigmoid(logits), row_losses(logits, rows.labels)
    variances = (rows.labels - scores) ** 2 if are_fractions(rows.labels) else scores * (1.0 - scores)
    found = []
    for field, first, size, slot, width in zip(
        encoder.fields, layout.first_rows.tolist(), layout.vocabulary_sizes, layout.first_slots.tolist(), layout.slots, strict=True
    ):
        row, value = _pairs(np.array(rows.ids[:, slot : slot + width]), first, size)
        if field.kind == "vector" or not len(row):
            continue
        counts = np.bincount(value, minlength=size)
        sums = np.stack([np.bincount(value, of[row], minlength=size) for of in (rows.labels, scores, losses, variances)])
        kept = np.flatnonzero(counts >= MIN_ROWS)
        if len(kept):
            found.append(_of_field(encoder, field.name, first, kept, counts[kept], sums[:, kept]))
    return tuple(found)


def _of_field(encoder: Encoder, name: str, first: int, values: np.ndarray, counts: np.ndarray, sums: np.ndarray) -> FieldCalibration:
    """One field's values, int (n,), with their rows, int (n,), and sums of labels, scores, losses and variances, float64 (4, n)."""
    rate, score, loss, variance = sums / counts
    deviations = (rate - score) / np.sqrt(np.maximum(variance, 1e-12) / counts)
    worst = np.argsort(-np.abs(deviations), kind="stable")[:WORST]
    return FieldCalibration(
        field=name,
        values=len(values),
        error=float(np.average(np.abs(rate - score), weights=counts)),
        worst=tuple(
            ValueCalibration(
                value=encoder.decode(name, first + int(values[place])),
                rows=int(counts[place]),
                log_loss=float(loss[place]),
                score=float(score[place]),
                click_rate=float(rate[place]),
                deviations=float(deviations[place]),
            )
            for place in worst.tolist()
        ),
    )


def _pairs(ids: np.ndarray, first: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and values, counted from the field's first table row, each pair once: int64 (n,) twice of ids int32 (rows, slots)."""
    row, slot = np.nonzero(ids != PADDING)
    value = ids[row, slot].astype(np.int64) - first
    if ids.shape[1] == 1:
        return row, value
    pairs = np.unique(row * size + value)
    return pairs // size, pairs % size
