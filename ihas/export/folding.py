"""Batch normalisation of inference is an affine map, which folds into the kernel before it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

_NORM = re.compile(r"(?P<before>.*)norm_(?P<layer>\d+)/gamma")


def fold_batch_norm(weights: Mapping[str, np.ndarray], epsilon: float) -> dict[str, np.ndarray]:
    """Weights of the same backbone without batch normalisation.

    gamma (W x - mean) / sqrt(variance + epsilon) + beta = (s W) x + beta - s mean,   s = gamma / sqrt(variance + epsilon)
    """
    folded = {name: value for name, value in weights.items() if not re.search(r"norm_\d+/", name)}
    for name in weights:
        found = _NORM.fullmatch(name)
        if found:
            norm, hidden = f"{found['before']}norm_{found['layer']}", f"{found['before']}hidden_{found['layer']}"
            scale = weights[name] / np.sqrt(weights[f"{norm}/variance"] + np.float32(epsilon))
            folded[f"{hidden}/kernel"] = weights[f"{hidden}/kernel"] * scale
            folded[f"{hidden}/bias"] = weights[f"{norm}/beta"] - weights[f"{norm}/mean"] * scale
    return folded
