"""Gates: what a version must meet before it is promoted without a person, by the code that serves, on rows that neither model learnt from.

    AUC:          lower end of AUC(candidate) - AUC(champion) >= -auc_tolerance         paired, 95 %, DeLong et al. 1988
    calibration:  calibration_low <= sum of scores / clicks <= calibration_high, and expected calibration error <= calibration_error
    latency:      p99(candidate) <= latency_ratio * p99(champion), one row a call, calls of both in turn, the best of five blocks

Both models score the same rows in the same process, one after the other, so that what slows the machine slows both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ihas.data.newest import NewestRows, load_newest
from ihas.errors import RequestError
from ihas.metrics import auc_difference, calibration_error
from ihas.results.gates import Gate, GateBounds, GatesVerdict
from ihas.serving.protocol import Recommender

BLOCKS, CALLS, WARM_UP = 5, 100, 30
"""Blocks of calls, of which the best counts: what else runs on the machine can only add to a block."""
BATCH = 1_000
Rows = Sequence[Mapping[str, Any]]


DEFAULT_BOUNDS = GateBounds()


def gates_of(
    champion: Recommender | None, candidate: Recommender, rows: NewestRows | None, bounds: GateBounds = DEFAULT_BOUNDS
) -> GatesVerdict:
    """Evaluate the gates of a version that was loaded, which verified its golden rows.

    Args:
        champion: what serves; None where nothing does, and there is nothing to compare with.
        candidate: what may be promoted.
        rows: rows that neither learnt from, as requests state them; None where none were kept, which leaves what needs them unmet.
        bounds: what is asked.
    """
    found = [_golden(candidate)]
    if rows is None or not len(rows.labels):
        found += [Gate(name=name, passed=False, detail=_NO_ROWS) for name in ("auc", "calibration", "latency")]
        return GatesVerdict(passed=False, gates=tuple(found))
    found += _measured(champion, candidate, rows, bounds)
    return GatesVerdict(passed=all(gate.passed for gate in found), gates=tuple(found), rows=len(rows.labels))


def not_loaded(reason: str) -> GatesVerdict:
    """The verdict on a version that cannot be loaded."""
    return GatesVerdict(passed=False, gates=(Gate(name="golden", passed=False, detail=reason),))


def newest_rows_of(run_folder: Path) -> NewestRows | None:
    """Newest test rows that the run in a folder kept; None where it kept none, as runs of other kinds and of earlier versions."""
    found = sorted(run_folder.glob("stages/data-*/encoded"), key=lambda path: path.stat().st_mtime)
    return load_newest(found[-1]) if found else None


_NO_ROWS = "Not measured: the run kept no test rows. Promote the version by hand if you know it to be good."


def _golden(candidate: Recommender) -> Gate:
    if not candidate.degraded:
        return Gate(name="golden", passed=True, detail="Every golden row was scored as it was at the export.")
    told = " ".join(f"Group {group}: {reason}" for group, reason in candidate.degraded.items())
    return Gate(name="golden", passed=False, detail=f"Some groups' own models fail. {told}")


def _measured(champion: Recommender | None, candidate: Recommender, rows: NewestRows, bounds: GateBounds) -> Iterator[Gate]:
    known = _for(candidate, rows.rows)
    logits = _logits(candidate, known)
    if champion is None:
        nothing = "Nothing to compare with: no version serves."
        yield Gate(name="auc", passed=True, detail=nothing)
        yield _calibration(logits, rows.labels, bounds)
        yield Gate(name="latency", passed=True, detail=nothing)
        return
    theirs: Rows = _for(champion, rows.rows)
    try:
        yield _auc(logits, _logits(champion, theirs), rows.labels, bounds)
    except RequestError as error:
        yield Gate(name="auc", passed=False, detail=f"Not measured: the champion cannot score these rows ({error})")
        theirs = []
    yield _calibration(logits, rows.labels, bounds)
    if theirs:
        yield _latency(champion, theirs, candidate, known, bounds)
    else:
        yield Gate(name="latency", passed=False, detail="Not measured: the champion cannot score these rows.")


def _auc(logits: np.ndarray, champion: np.ndarray, labels: np.ndarray, bounds: GateBounds) -> Gate:
    """The gate on the difference of AUC; float64 (rows,) each."""
    found = auc_difference(logits, champion, labels)
    passed = found.low >= -bounds.auc_tolerance
    interval = f"{found.difference:+.4f}, between {found.low:+.4f} and {found.high:+.4f} (95 %)"
    what = f"AUC minus the champion's on {len(labels):,} rows is {interval}"
    return Gate(name="auc", passed=passed, detail=f"{what}; the lower end {_is(passed)} at least {-bounds.auc_tolerance:+.4f}.")


def _calibration(logits: np.ndarray, labels: np.ndarray, bounds: GateBounds) -> Gate:
    """The gate on how far scores are rates of clicks; float64 (rows,) each."""
    scores, clicks = 1.0 / (1.0 + np.exp(-np.clip(logits, -700.0, 700.0))), float(labels.sum())
    if not clicks:
        return Gate(name="calibration", passed=False, detail=f"Not measured: none of the {len(labels):,} rows is a click.")
    ratio, error = float(scores.sum()) / clicks, calibration_error(scores, labels)
    passed = bounds.calibration_low <= ratio <= bounds.calibration_high and error <= bounds.calibration_error
    asked = f"between {bounds.calibration_low:g} and {bounds.calibration_high:g} with an error of at most {bounds.calibration_error:g}"
    return Gate(
        name="calibration", passed=passed, detail=f"Scores over clicks are {ratio:.3f}, error {error:.4f}; this {_is(passed)} {asked}."
    )


def _latency(champion: Recommender, theirs: Rows, candidate: Recommender, known: Rows, bounds: GateBounds) -> Gate:
    took = np.empty((2, BLOCKS, CALLS))
    for number in range(-WARM_UP, BLOCKS * CALLS):
        for place, (model, rows) in enumerate(((champion, theirs), (candidate, known))):
            row = rows[number % len(rows)]
            began = time.perf_counter()
            model.score([row])
            if number >= 0:
                took[place, number // CALLS, number % CALLS] = time.perf_counter() - began
    before, now = (float(value) * 1e6 for value in np.quantile(took, 0.99, axis=2).min(axis=1))
    passed = now <= bounds.latency_ratio * before
    what = f"A row takes {now:,.0f} us at the 99th percentile, the champion {before:,.0f} us, a ratio of {now / before:.2f}"
    return Gate(name="latency", passed=passed, detail=f"{what}; this {_is(passed)} at most {bounds.latency_ratio:g}.")


def _is(passed: bool) -> str:
    return "is" if passed else "is not, as it must be,"


def _for(model: Recommender, rows: Rows) -> Rows:
    """The rows with the fields that a model has; others it would refuse."""
    if model.table is None:
        return rows
    known = {*(field.name for field in model.table.schema.fields), *model.table.schema.stated_names}
    return [{name: cell for name, cell in row.items() if name in known} for row in rows]


def _logits(model: Recommender, rows: Rows) -> np.ndarray:
    """Calibrated log-odds: float64 (rows,)."""
    return np.array([one.logit for first in range(0, len(rows), BATCH) for one in model.score(rows[first : first + BATCH])])
