"""What to do after a result: the last sentence of a verdict, and how many rows would tell a difference from chance."""

from __future__ import annotations

import math

from ihas.results.run_result import EpochMetrics, Interval, VariantResult

HARDLY_BETTER_THAN_CHANCE = 0.53
"""Test AUC up to which nothing is concluded."""
REPEAT = "Next: repeat it under other seeds (`ihas study compare`), then give it a share of the traffic (`ihas model traffic`)."
SPLIT = (
    "Next: validation and test rows disagree; see how they are split (`learning.split`), and repeat it under other seeds "
    "(`ihas study compare`)."
)
LONGER = "Next: the plain model was best in its last epoch; train longer (`learning.training.epochs`) before anything is concluded."
OTHER = 'Next: rows and columns that say more (`ihas inspect`), or another backbone (`learning.backbone.kind = "auto"`).'
LABELS = "Next: test rows of both labels; collect more rows, or split them otherwise (`learning.split`)."


def between(interval: Interval) -> str:
    """A difference with its interval, in words."""
    return f"{interval.difference:+.4f}, 95 % interval {interval.low:+.4f} to {interval.high:+.4f}"


def rows_to_tell(interval: Interval, rows: int) -> int | None:
    """Rows with which the same difference would leave zero out of its interval; None for no difference.

    rows * (half width / difference)^2, since half widths shrink with the root of the rows; rounded up to two digits. Our choice.
    """
    if interval.difference == 0.0 or rows < 1:
        return None
    needed = rows * (max(interval.high - interval.difference, interval.difference - interval.low) / interval.difference) ** 2
    digits = 10.0 ** max(0, math.floor(math.log10(max(needed, 1.0))) - 1)
    return max(rows, math.ceil(needed / digits) * int(digits))


def more_rows(name: str, interval: Interval, rows: int, otherwise: str = OTHER) -> str:
    """The next step where a difference is within chance; `otherwise` where there is none at all."""
    needed = rows_to_tell(interval, rows)
    if needed is None:
        return otherwise
    return f"Next: about {needed:,} test rows, {rows:,} now, would tell {interval.difference:+.4f} of `{name}` from chance; collect more."


def next_step(
    chosen: VariantResult, base: VariantResult, variants: tuple[VariantResult, ...], history: tuple[EpochMetrics, ...], epochs: int
) -> str:
    """What to do after a search, in a sentence; empty where the verdict on a model no better than chance says it.

    Args:
        chosen: the variant that serves.
        base: the plain model.
        variants: all of them.
        history: epochs of all trainings.
        epochs: most epochs that a training takes.
    """
    if base.test.auc is None or chosen.test.auc is None:
        return LABELS
    if max(base.test.auc, chosen.test.auc) < HARDLY_BETTER_THAN_CHANCE:
        return ""
    if ended_early(history, epochs):
        return LONGER
    if chosen.gain is not None:
        if chosen.gain.low > 0.0:
            return REPEAT
        return SPLIT if chosen.gain.high < 0.0 else more_rows(chosen.name, chosen.gain, chosen.test.rows)
    others = [one for one in variants if one.role == "candidate" and one.gain is not None]
    best = max(others, key=lambda one: one.gain.difference if one.gain else 0.0, default=None)
    if best is None or best.gain is None or best.gain.difference <= 0.0:
        return OTHER
    return SPLIT if best.gain.low > 0.0 else more_rows(best.name, best.gain, best.test.rows)


def ended_early(history: tuple[EpochMetrics, ...], epochs: int) -> bool:
    """Whether the plain model's best epoch was the last one that its setting allows, and not the only one."""
    best = max((one for one in history if one.model.partition("/")[0] == "base"), key=lambda one: one.auc, default=None)
    return best is not None and best.epoch == epochs > 1
