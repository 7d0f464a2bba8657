"""Settings `learning.search`: Bernoulli gates over embedding dimensions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count, Fraction
from ihas.config.names import NameIn
from ihas.gates.registry import GATE_FORMS


class SearchConfig(Config):
    """Stage 1: search for Bernoulli gates over embedding dimensions, per instance."""

    gate: Annotated[str, NameIn(GATE_FORMS)] = "full"
    """Form of gate, by what a gate sees: `full`, the whole embedding; `field`, its own field; `mlp`, the whole embedding through a hidden
    layer. More forms can be registered (docs/extending.md)."""
    gate_hidden: Count = 32
    """Hidden units of the `mlp` gate, and of other forms that have them."""
    standardize: bool = True
    """Whether gates read the embedding standardised by its running mean and deviation. On raw input, gates collapse."""
    detach: bool = True
    """Whether the gates' gradient stops before the embedding."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Temperature of the straight-through sigmoid."""
    regularizer: Literal["information", "polarization"] = "information"
    """Penalty on gate probabilities. `information` rewards decided gates that differ between instances; `polarization` rewards
    decided gates (Zhuang et al. 2020)."""
    strength: Annotated[float, Field(ge=0.0)] = 0.01
    """Weight of the regulariser."""
    keep_ratio: Fraction = 0.7
    """Share of open gates that the regulariser pulls towards."""
    warm_start: bool = True
    """Whether the search starts from the trained base model; otherwise from fresh weights."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 1
    """Number of epochs with every gate open before gates are sampled; read only without a warm start."""
    epochs: Count = 10
    """Maximum number of epochs."""
