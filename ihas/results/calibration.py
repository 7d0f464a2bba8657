"""How well the scores that are served meet rates of clicks."""

from __future__ import annotations

from pydantic import Field

from ihas.config.base import Config
from ihas.config.evaluate import CalibrationMethod


class ReliabilityBin(Config):
    """Test rows of about the same score."""

    rows: int
    """Rows."""
    score: float
    """Their mean score."""
    click_rate: float
    """Their rate of clicks, or mean label; the mean score where the model is calibrated."""


class ValueCalibration(Config):
    """Test rows with one value of a field."""

    value: str
    """The value."""
    rows: int
    """Rows."""
    log_loss: float
    """Mean negative log-likelihood of the scores that are served, in nats."""
    score: float
    """Their mean score."""
    click_rate: float
    """Their rate of clicks, or mean label."""
    deviations: float
    """Rate minus score, in standard errors of the rate that the scores say, or, of labels that are fractions, of the mean label as the rows
    show it: about -2 to 2 by chance."""


class FieldCalibration(Config):
    """How well scores meet rates of clicks for the values of one field."""

    field: str
    """Field."""
    values: int
    """Values with enough test rows to be looked at."""
    error: float
    """Mean distance of score and rate of clicks over these values, weighted by rows."""
    worst: tuple[ValueCalibration, ...]
    """Values of which score and rate differ most, in standard errors."""


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
    fields: tuple[FieldCalibration, ...] = Field(default=(), exclude_if=lambda fields: not fields)
    """The same by the values of each field; empty in results of an earlier version."""
