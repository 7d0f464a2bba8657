"""What a training step costs: the ids it is measured on, and a measurement of each system that needs no other framework."""

from __future__ import annotations

import numpy as np
import pytest

from ihas_pipelines.benchmarks import training
from ihas_pipelines.benchmarks.training import BATCH, BATCHES, FLOOR, GATED, NUM_FIELDS, OURS, VALUES, our_systems, zipf_ids

pytestmark = pytest.mark.tf


def test_ids_follow_zipf() -> None:
    """The second value occurs 2 ** -1.05 times as often as the first, and every id lies within its field."""
    ids = zipf_ids(np.random.default_rng(0))
    counts = np.bincount(ids.ravel(), minlength=VALUES)
    assert ids.shape == (BATCHES, BATCH, NUM_FIELDS)
    assert 0 <= ids.min() < ids.max() < VALUES
    assert counts[1] / counts[0] == pytest.approx(2**-1.05, rel=0.03)


def test_our_measurements_take_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain step, gated step and floor each take a measurement; the floor, which leaves the table out, costs the least."""
    for name, value in (("BATCH", 512), ("VALUES", 500), ("BATCHES", 2), ("MEASUREMENT_S", 0.05)):
        monkeypatch.setattr(training, name, value)
    measurements = our_systems((8,))
    assert list(measurements) == [OURS, GATED, FLOOR]
    costs = {name: min(measurement().cpu for _ in range(3)) for name, measurement in measurements.items()}
    assert 0.0 < costs[FLOOR] < costs[OURS] < costs[GATED]
