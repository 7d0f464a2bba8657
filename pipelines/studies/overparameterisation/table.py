"""Ratios of epochs and seconds to the target, plain by overparameterised, with their paired 95 % intervals.

ratio = exp(mean over seeds of ln(overparameterised / plain)),  interval: t distribution over the seeds; below 1 it is faster
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.config.base import Config
from ihas.results.run_result import Interval
from ihas_pipelines.runs.measures import paired_interval
from ihas_pipelines.studies.overparameterisation.race import Outcome


class Arm(Config):
    """One update rule on one form, tuned."""

    rule: str
    """Update rule."""
    start: float
    """Where the grid of learning rates began."""
    form: str
    """`none` for the plain embedding, else the overparameterised form."""
    tried: tuple[Outcome, ...]
    """Runs that tuned the learning rate, the best first."""
    outcomes: tuple[Outcome, ...]
    """Runs that are compared, one a seed."""

    @property
    def reached(self) -> int:
        """Seeds that reached the target."""
        return sum(outcome.epochs is not None for outcome in self.outcomes)


class RaceTable(Config):
    """All arms of a plan."""

    name: str
    """Name of the study."""
    target: float
    """The value to reach."""
    settings: str
    """Digest of the data and of the settings that all arms share."""
    arms: tuple[Arm, ...]
    """Arms, the plain one of a rule before its others."""


def ratio(over: Sequence[float | None], plain: Sequence[float | None]) -> Interval | None:
    """Geometric mean of over / plain with its interval, from seeds where both are known; None with fewer than two."""
    logs = np.array([np.log(a / b) for a, b in zip(over, plain, strict=True) if a and b])
    if len(logs) < 2:
        return None
    found = paired_interval(logs)
    return Interval(difference=float(np.exp(found.difference)), low=float(np.exp(found.low)), high=float(np.exp(found.high)))


def markdown(table: RaceTable) -> str:
    """The table as Markdown."""
    plain = {arm.rule: arm for arm in table.arms if arm.form == "none"}
    lines = [
        f"{table.name}: target {table.target:g}",
        "",
        "| rule | embedding | learning rate | reached | epochs | ratio of epochs | ratio of seconds | best value | difference |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_line(arm, plain[arm.rule]) for arm in table.arms), ""])


def _line(arm: Arm, plain: Arm) -> str:
    epochs = [outcome.epochs for outcome in arm.outcomes if outcome.epochs is not None]
    best = [outcome.best for outcome in arm.outcomes]
    compared = ["", "", ""]
    if arm is not plain:
        for i, name in enumerate(("epochs", "seconds")):
            found = ratio([getattr(outcome, name) for outcome in arm.outcomes], [getattr(outcome, name) for outcome in plain.outcomes])
            compared[i] = "not known" if found is None else f"{found.difference:.2f} ({found.low:.2f} to {found.high:.2f})"
        change = paired_interval(np.subtract(best, [outcome.best for outcome in plain.outcomes]))
        compared[2] = f"{change.difference:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
    cells = [
        arm.rule, "plain" if arm.form == "none" else arm.form,
        f"{arm.outcomes[0].learning_rate:.3g}", f"{arm.reached} of {len(arm.outcomes)}",
        f"{np.mean(epochs):.2f}" if epochs else "-", compared[0], compared[1], f"{np.mean(best):.4f}", compared[2],
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"
