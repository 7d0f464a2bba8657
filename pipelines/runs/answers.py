"""What a method that is compared says of the rows, as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ihas.results.run_result import Cost

Setting = Mapping[str, float | str]
"""Values of a baseline method's own settings."""


@dataclass(frozen=True)
class Answers:
    """What a trained baseline method says of the rows, and what it costs.

    Attributes:
        valid_logits: float32 (validation rows,).
        test_logits: float32 (test rows,).
        cost: what it stores and computes.
        setting: the setting it was trained under.
    """

    valid_logits: np.ndarray
    test_logits: np.ndarray
    cost: Cost
    setting: Setting
