"""Settings `learning.evaluate`: what is compared and recorded."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config, Count

CalibrationMethod = Literal["none", "platt", "isotonic"]


class EvaluateConfig(Config):
    """Stage 4: evaluation on test rows."""

    controls: bool = False
    """Whether to train controls too, which say what each part of the method is worth and take about as long as the rest of the run: random
    groups, K-means on the embedding, and K-means on points that validation did not choose."""
    num_golden_rows: Count = 32
    """Number of test rows stored in the bundle with their scores, which a server must reproduce before it serves."""
    calibration: CalibrationMethod | None = None
    """What turns the served model's scores into rates of clicks, fitted on validation rows: `platt` (a line on the log-odds), `isotonic`
    (steps), or `none`; without it, the one of least log-loss on folds of the validation rows. No order changes."""
    refit: bool = True
    """Whether a chosen model that learnt from the clicks alone is trained once more, on training and validation rows together, for as
    many epochs at the same rates; that one is served, calibrated as before. The plain model is trained once more too, to compare."""
    fallback: bool = True
    """Whether the bundle also holds the plain model, which serves a group whose own model fails its check. Costs do not count it."""
