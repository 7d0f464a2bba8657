"""How well the scores that are served meet rates of clicks."""

from __future__ import annotations

from ihas.config.base import Config
from ihas.config.evaluate import CalibrationMethod


class ReliabilityBin(Config):
    """Test rows of about the same score."""

    rows: int
    """Rows."""
    score: float
    """Their mean score."""
    click_rate: float
    """Their rate of clicks; the mean score where the model is calibrated."""


class CalibrationResult(Config):
    """How well the scores that are served meet rates of clicks, on test rows."""

    method: CalibrationMethod
    """What was fitted on validation rows: `none`, `platt` or `isotonic`."""
    log_loss_before: float
    """Mean negative log-likelihood of the model's own scores, in nats."""
    log_loss: float
    """The same of the scores that are served."""
    error_before: float
    """Expected calibration error of the model's own scores, in bins of as many rows each: mean distance of score and rate of clicks."""
    error: float
    """The same of the scores that are served."""
    reliability: tuple[ReliabilityBin, ...]
    """The bins of the scores that are served, by score."""
