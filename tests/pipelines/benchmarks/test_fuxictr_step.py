"""FuxiCTR's own step learns what there is to learn."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from ihas_pipelines.benchmarks.fuxictr_step import fuxictr_step

INSTALLED = all(importlib.util.find_spec(package) for package in ("torch", "fuxictr"))


@pytest.mark.skipif(not INSTALLED, reason="fuxictr is no dependency of ours; where it is installed it takes part in the benchmark")
def test_its_step_lowers_the_loss_to_nothing() -> None:
    """Labels that one field decides are learnt: from log 2 to below a hundredth."""
    ids = np.random.default_rng(0).integers(20, size=(2, 64, 3))
    step = fuxictr_step(ids, (ids[:, :, 0] < 10).astype(np.float32), 20, 4, (8,), 0.01)

    first = step(0)
    for number in range(300):
        last = step(number % 2)

    assert first == pytest.approx(np.log(2.0), abs=0.01)
    assert last < 0.01
