"""Settings `learning.retrain`: a model per group."""

from __future__ import annotations

from typing import Literal

from ihas.config.base import Config, Count


class RetrainConfig(Config):
    """Stage 3: a model per group."""

    mode: Literal["specialise", "inherit", "scratch"] = "specialise"
    """`specialise`: train one model on all rows under the groups' masks, then fine-tune a copy for each group where validation prefers it;
    `inherit`: train a model for each group from the search's weights; `scratch`: train each from fresh weights (the paper's figure)."""
    epochs: Count = 10
    """Maximum number of epochs over a group's training rows."""
