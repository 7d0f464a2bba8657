"""Progress of a run and an estimate of the time that is left."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ihas.config.transformer import TransformerEpoch
from ihas.results.run_result import EpochMetrics
from ihas_pipelines.runs.progress import Progress, Report, StageName

EPOCH_REST = 0.93  # how many epochs a training takes is not known before; each leaves this share of the rest


class Reporter:
    """Turns the messages of stages into progress lines.

    Args:
        report: takes the lines.
        shares: share of the run's time by stage, in their order.
        shown_as: name in progress lines of a stage that has none of its own there.
    """

    def __init__(self, report: Report, shares: Mapping[str, float], shown_as: Mapping[str, StageName] | None = None) -> None:
        self.report, self.started = report, time.monotonic()
        self._shares, self._shown_as = shares, shown_as or {}
        self.stage = next(iter(shares))
        self.pieces, self.epochs = (0, 1), 0
        self.skipped, self.computing = 0.0, False  # stages that an earlier attempt finished say nothing about the speed of this one

    def enter(self, stage: str, message: str, pieces: tuple[int, int] = (0, 1)) -> None:
        """Begin a stage, or its next piece of work: `pieces` are the number of finished ones and of all."""
        self.stage, self.pieces, self.epochs = stage, pieces, 0
        if not self.computing:
            self.started, self.skipped = time.monotonic(), self._fraction()
        self.say(message)

    def epoch(self, metrics: EpochMetrics) -> None:
        """Report the end of an epoch; the end of the stage is nearer."""
        self.epochs, self.computing = self.epochs + 1, True
        message = f"{metrics.model}: epoch {metrics.epoch}, validation AUC {metrics.auc:.4f}"
        self.say(message, {"loss": metrics.loss, "valid_auc": metrics.auc})

    def step(self, epoch: TransformerEpoch) -> None:
        """Report the end of an epoch of a transformer."""
        self.epochs, self.computing = self.epochs + 1, True
        message = f"Epoch {epoch.epoch} ({epoch.rule}): training loss {epoch.loss:.4f}, validation {epoch.valid:.4f}"
        self.say(message, {"loss": epoch.loss, "valid": epoch.valid})

    def say(self, message: str, metrics: dict[str, float] | None = None) -> None:
        """Report one line."""
        fraction = self._fraction()
        done, elapsed = fraction - self.skipped, time.monotonic() - self.started
        eta = elapsed * (1.0 - fraction) / done if done > 0.05 else None
        rounded = {"fraction": round(fraction, 4), "eta_s": eta and round(eta, 1)}
        self.report(Progress.model_validate({"stage": self._shown(), "message": message, "metrics": metrics or {}, **rounded}))

    def finish(self, message: str) -> None:
        """Report the last line of a run that succeeded."""
        self.report(Progress(stage="evaluate", message=message, fraction=1.0, eta_s=0.0, outcome="succeeded"))

    def _shown(self) -> str:
        return self._shown_as.get(self.stage, self.stage)

    def _fraction(self) -> float:
        done, pieces = self.pieces
        within = (done + 1.0 - EPOCH_REST**self.epochs) / pieces
        names = list(self._shares)
        before = sum(self._shares[name] for name in names[: names.index(self.stage)])
        return before + self._shares[self.stage] * within
