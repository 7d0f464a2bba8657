"""Settings `learning.search`: Bernoulli gates over embedding dimensions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ihas.config.base import Config, Count, Fraction
from ihas.config.names import NameIn
from ihas.gates.registry import GATE_FORMS


class SearchConfig(Config):
    """Stage 1: Bernoulli gates over embedding dimensions, per instance."""

    gate: Annotated[str, NameIn(GATE_FORMS)] = "full"
    """Form of gate, by what a gate sees: `full`, the whole embedding; `field`, its own field; `mlp`, the whole embedding through a hidden
    layer; or a registered form (docs/extending.md)."""
    gate_hidden: Count = 32
    """Hidden units of the `mlp` gate, and of other forms that have them."""
    standardize: bool = True
    """Whether gates see the embedding standardised by its running mean and deviation; raw input makes them collapse."""
    detach: bool = True
    """Whether the gates' gradient stops before the embedding."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Temperature of the straight-through sigmoid."""
    regularizer: Literal["information", "polarization"] = "information"
    """`information` asks for decided gates that differ between instances; `polarization` for decided gates (Zhuang et al. 2020)."""
    strength: Annotated[float, Field(ge=0.0)] = 0.01
    """Weight of the regulariser."""
    keep_ratio: Fraction = 0.7
    """Share of gates that the regulariser pulls towards keeping."""
    warm_start: bool = True
    """Whether the search starts from the trained base model; otherwise from fresh weights."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 1
    """Without a warm start: epochs with every gate open before sampling begins."""
    epochs: Count = 10
    """Most passes over the training rows."""
