"""One seed, independent streams: every draw comes from the run's seed and the name of what draws."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """Stream of the given purpose; other names give independent streams of the same seed."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])
