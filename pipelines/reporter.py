"""How far a run is, and how long the rest takes."""

from __future__ import annotations

import time

from ihas.results import EpochFigures
from pipelines.progress import Progress, Report, Stage

# Share of a run that each stage takes, from runs on the coupon, Frappe and MovieLens-1M tables.
SHARES: dict[Stage, float] = {"validating": 0.05, "searching": 0.40, "clustering": 0.10, "retraining": 0.15, "evaluating": 0.30}


class Reporter:
    """Turns what stages say into progress lines."""

    def __init__(self, report: Report) -> None:
        self.report, self.started = report, time.monotonic()
        self.stage: Stage = "validating"
        self.within = 0.0
        self.seconds: dict[str, float] = {}

    def enter(self, stage: Stage, message: str) -> None:
        """A stage begins, or goes on with its next piece of work."""
        if stage != self.stage:
            self.stage, self.within = stage, 0.0
        self.say(message)

    def epoch(self, figures: EpochFigures) -> None:
        """An epoch ended; the rest of the stage is nearer."""
        self.within += 0.08 * (1.0 - self.within)
        self.say(
            f"{figures.model}: epoch {figures.epoch}, validation AUC {figures.auc:.4f}", {"loss": figures.loss, "valid_auc": figures.auc}
        )

    def say(self, message: str, metrics: dict[str, float] | None = None) -> None:
        """One line."""
        fraction = sum(share for stage, share in self._before()) + SHARES[self.stage] * self.within
        elapsed = time.monotonic() - self.started
        eta = elapsed * (1.0 - fraction) / fraction if fraction > 0.1 else None
        self.report(
            Progress(
                stage=self.stage,
                message=message,
                fraction=round(fraction, 4),
                eta_s=eta and round(eta, 1),
                metrics=metrics or {},
            )
        )

    def finish(self, message: str) -> None:
        """The last line of a run that succeeded."""
        self.report(Progress(stage="evaluating", message=message, fraction=1.0, eta_s=0.0, outcome="succeeded"))

    def _before(self) -> list[tuple[Stage, float]]:
        stages = list(SHARES.items())
        return stages[: [stage for stage, _ in stages].index(self.stage)]
