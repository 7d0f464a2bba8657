"""The compiled kernel of one pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.overrec import KernelConfig
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.overrec.kernel import similarities
from ihas.sequential.overrec.recursion import compiled, pair_value, tables

CONFIGS: list[dict[str, Any]] = [
    {},
    {"function": "nngp", "sigma_w": 0.6, "sigma_b": 0.1},
    {"activation": "erf", "sigma_w": 1.3, "sigma_b": 0.2, "num_layers": 2},
    {"activation": "linear", "sigma_v": 2.0, "sigma_u": 0.5},
    {"mode": "reference", "num_layers": 3},
    {"mode": "reference", "activation": "linear"},
    {"normalize": True, "sigma_h": 0.7, "sigma_w": 1.4, "num_layers": 2},
]


@pytest.mark.parametrize("settings", CONFIGS)
def test_one_pair_is_the_matrix(settings: dict[str, Any]) -> None:
    """The value of each pair is that of the vectorised matrix, within 1e-12 of it, for lengths from 1 on and unknown items."""
    rng, config = np.random.default_rng(0), KernelConfig(**settings)
    sequences = Sequences.of([rng.integers(-1, 8, rng.integers(1, 16)) for _ in range(60)])
    read, state = tables(config, 16), np.zeros((2, config.num_layers))
    ends, lengths = sequences.offsets[1:] - 1, sequences.lengths
    found = [[pair_value(read.parts, state, one, sequences.items, *end) for end in zip(ends, lengths, strict=True)] for one in sequences]
    np.testing.assert_allclose(np.array(found), similarities(config, sequences, sequences.take(np.arange(60))), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("settings", CONFIGS)
def test_bounds_hold(settings: dict[str, Any]) -> None:
    """No pair whose newest p items differ is above the bound of p and its lengths, and the bound is reached."""
    rng, config = np.random.default_rng(1), KernelConfig(**settings)
    read, state = tables(config, 8), np.zeros((2, config.num_layers))
    reached = 0
    for _ in range(500):
        one, other = (rng.integers(0, 2, rng.integers(1, 9)).astype(np.int32) for _ in range(2))
        overlap = min(len(one), len(other))
        same = one[::-1][:overlap] == other[::-1][:overlap]
        missed = int(np.argmax(same)) if same.any() else overlap
        value = pair_value(read.parts, state, one, other, len(other) - 1, len(other))
        bound = read.bounds[min(missed, 7), len(one), len(other)]
        assert value <= bound * (1.0 + 1e-12)
        reached += bool(same[missed:].all()) and missed < 8 and value == bound
    assert reached > 20


def test_compiles_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder for machine code a function is compiled all the same."""
    import numba

    plain = numba.njit

    def njit(*, nogil: bool, cache: bool = False) -> Any:
        if cache:
            raise RuntimeError("no locator available")
        return plain(nogil=nogil)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(lambda x: x + 1)(2) == 3
