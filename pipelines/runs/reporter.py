"""How far a run is, and how long the rest takes."""

from __future__ import annotations

import time

from ihas.config.transformer import TransformerEpoch
from ihas.results.run_result import EpochMetrics
from pipelines.runs.progress import Progress, Report, Stage

# Share of a run that each stage takes, from runs on the coupon, Frappe and MovieLens-1M tables.
SHARES: dict[Stage, float] = {"validating": 0.02, "searching": 0.55, "clustering": 0.10, "retraining": 0.08, "evaluating": 0.25}
EPOCH_REST = 0.93  # how many epochs a training takes is not known before; each takes it this much nearer to its end


class Reporter:
    """Turns what stages say into progress lines."""

    def __init__(self, report: Report) -> None:
        self.report, self.started = report, time.monotonic()
        self.stage: Stage = "validating"
        self.pieces, self.epochs = (0, 1), 0
        self.skipped, self.computing = 0.0, False  # what an earlier try has left is no measure of this one's speed

    def enter(self, stage: Stage, message: str, pieces: tuple[int, int] = (0, 1)) -> None:
        """A stage begins, or its next piece of work does: `pieces` are those done and all of them."""
        self.stage, self.pieces, self.epochs = stage, pieces, 0
        if not self.computing:
            self.started, self.skipped = time.monotonic(), self._fraction()
        self.say(message)

    def epoch(self, figures: EpochMetrics) -> None:
        """An epoch ended; the rest of the stage is nearer."""
        self.epochs, self.computing = self.epochs + 1, True
        self.say(
            f"{figures.model}: epoch {figures.epoch}, validation AUC {figures.auc:.4f}", {"loss": figures.loss, "valid_auc": figures.auc}
        )

    def step(self, epoch: TransformerEpoch) -> None:
        """An epoch of a transformer ended."""
        self.epochs, self.computing = self.epochs + 1, True
        said = f"Epoch {epoch.epoch} ({epoch.rule}): training loss {epoch.loss:.4f}, validation {epoch.valid:.4f}"
        self.say(said, {"loss": epoch.loss, "valid": epoch.valid})

    def say(self, message: str, metrics: dict[str, float] | None = None) -> None:
        """One line."""
        fraction = self._fraction()
        gone, elapsed = fraction - self.skipped, time.monotonic() - self.started
        eta = elapsed * (1.0 - fraction) / gone if gone > 0.05 else None
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

    def _fraction(self) -> float:
        done, pieces = self.pieces
        within = (done + 1.0 - EPOCH_REST**self.epochs) / pieces
        return sum(share for _, share in self._before()) + SHARES[self.stage] * within

    def _before(self) -> list[tuple[Stage, float]]:
        stages = list(SHARES.items())
        return stages[: [stage for stage, _ in stages].index(self.stage)]
