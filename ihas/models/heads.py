"""Several output units over one bottom: the embedding and hidden layers are shared, and each task has a linear unit of its own.

    logit_k = w_k . hidden(x) + b_k

In training one network has all units; afterwards each task's weights are those of an ordinary backbone, which share every array but the
last. Source: shared bottom (Caruana, Multitask Learning, 1997).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.base import Count
from ihas.layers.hidden import Weights

_LAST = ("output/kernel", "output/bias")


class HeadsConfig(BackboneConfig):
    """A backbone with several output units."""

    heads: Count = 1
    """Output units, one for each task."""


def heads_of(config: BackboneConfig) -> int:
    """Output units of a backbone."""
    return config.heads if isinstance(config, HeadsConfig) else 1


def with_heads(config: BackboneConfig, heads: int) -> BackboneConfig:
    """The same backbone with so many output units."""
    return config if heads == 1 else HeadsConfig(**config.model_dump(), heads=heads)


def split_heads(weights: Weights, heads: int) -> tuple[Weights, ...]:
    """Weights of each task's backbone: of one output unit; the other arrays are the same objects."""
    return tuple({name: _column(name, value, number) for name, value in weights.items()} for number in range(heads))


def _column(name: str, value: np.ndarray, number: int) -> np.ndarray:
    return value[..., number : number + 1].copy() if name.endswith(_LAST) else value


def joined_heads(parts: Sequence[Weights]) -> Weights:
    """The weights that `split_heads` divided."""
    return {
        name: np.concatenate([part[name] for part in parts], axis=-1) if name.endswith(_LAST) else value for name, value in parts[0].items()
    }
