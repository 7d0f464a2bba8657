"""Settings `learning.retrain`: a model per group."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config, Count


class RetrainConfig(Config):
    """Stage 3: a model per group."""

    mode: Literal["specialise", "inherit", "scratch"] = "specialise"
    """`specialise`: one model on all rows under the groups' masks, then a copy per group where validation prefers it;
    `inherit`: per group from the search's weights; `scratch`: per group from fresh weights (the paper's figure)."""
    epochs: Count = 10
    """Most passes over a group's training rows."""
