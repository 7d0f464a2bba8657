"""Gates of a version: bounds that are asked, and what was found."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ihas.config.base import Config

Positive = Annotated[float, Field(gt=0.0)]


class GateBounds(Config):
    """Bounds of the gates."""

    auc_tolerance: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    """How far below the champion's AUC the lower end of the difference's 95 % interval may lie."""
    calibration_low: Positive = 0.8
    """Least sum of scores over clicks."""
    calibration_high: Positive = 1.25
    """Largest sum of scores over clicks."""
    calibration_error: Positive = 0.1
    """Largest expected calibration error (Naeini, Cooper and Hauskrecht 2015); chance alone gives about .04 on a thousand rows."""
    latency_ratio: Positive = 2.0
    """Largest ratio of the 99th percentiles of the time to score a row, candidate over champion, measured in turn on one machine."""


class Gate(Config):
    """One gate."""

    name: str
    """`golden`, `auc`, `calibration` or `latency`."""
    passed: bool
    """Whether it was met."""
    detail: str
    """What was measured and what was asked, in a sentence."""


class GatesVerdict(Config):
    """What the gates say of a version."""

    passed: bool
    """Whether all were met."""
    gates: tuple[Gate, ...]
    """In the order in which they were evaluated."""
    champion: int | None = None
    """Version that it was compared with; absent where none served."""
    rows: int = 0
    """Newest test rows that both scored."""
