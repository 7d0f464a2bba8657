"""Result of a run of the kind `size-sweep`, as one JSON document."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config
from ihas.sequential.scaling.advised import Advice, Measured


class SizeSweepResult(Config):
    """Sizes that were trained, and the advice that follows."""

    kind: Literal["size-sweep"] = "size-sweep"
    """Kind of the run."""
    name: str
    """Name of the size sweep."""
    verdict: str
    """Prediction of the largest size by the smaller ones, or the reason of the advice, in a sentence."""
    sizes: tuple[Measured, ...]
    """Sizes on all users, smallest first."""
    advice: Advice | None = None
    """Advised size; absent without a budget."""
