"""What an epoch of a sequential transformer costs: the sequences it is measured on, and a measurement of our trainer."""

from __future__ import annotations

import numpy as np
import pytest

from ihas_pipelines.benchmarks import sequences
from ihas_pipelines.benchmarks.sequences import ITEMS, LEAST, OURS, PLACES, USERS, our_systems, walks

pytestmark = pytest.mark.tf


def test_lengths_are_those_of_beauty() -> None:
    """Five items at least and 8.9 in the mean, as 198,502 interactions of 22,363 users make; no more than the places and a target."""
    found = walks(np.random.default_rng(0))
    lengths = np.array([len(walk) for walk in found])
    assert len(found) == USERS
    assert (lengths.min(), lengths.max() <= PLACES + 1) == (LEAST, True)
    assert lengths.mean() == pytest.approx(198_502 / 22_363, abs=0.3)
    assert 0 <= min(map(min, found)) < max(map(max, found)) < ITEMS


@pytest.mark.slow
def test_our_epoch_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One system, whose measurement is a whole epoch: of twice the users it costs more."""
    monkeypatch.setattr(sequences, "ITEMS", 300)
    costs = []
    for users in (64, 512):
        monkeypatch.setattr(sequences, "USERS", users)
        measurements = our_systems("sampled")
        assert list(measurements) == [OURS]
        costs.append(min(measurements[OURS]().cpu for _ in range(3)))
    assert 0.0 < costs[0] < costs[1]
