"""Off-policy estimates find the known value of a policy that never served."""

from __future__ import annotations

import numpy as np
import pytest

from ihas_service.models.experiments.exploration import Shown, explore, target_propensities
from ihas_service.models.experiments.off_policy import Estimate, Logged, doubly_robust, ips, snips

ITEMS = tuple("abcde")
RATES = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
"""Rate of clicks of each item, wherever it stands."""
OTHER = tuple("edcba")
VALUE = float(RATES[[4, 3]].mean())
"""Mean reward of a position of the other ranking's first two: (.5 + .4) / 2."""


def logged(requests: int, share: float, seed: int) -> tuple[Logged, np.ndarray]:
    """Positions that were shown under exploration, with their clicks; and which item stood there, int64 (n,)."""
    generator = np.random.default_rng(seed)
    shown = [explore(ITEMS, 2, share, generator) for _ in range(requests)]
    places = np.array([ITEMS.index(item) for one in shown for item in one.items])
    rewards = (generator.random(len(places)) < RATES[places]).astype(float)
    propensities = np.array([value for one in shown for value in one.propensities])
    targets = np.concatenate([target_propensities(one.items, OTHER) for one in shown])
    return Logged(rewards, propensities, targets), places


def test_the_estimates_are_as_worked_by_hand() -> None:
    """w = 2, 0, 2, 1: IPS (2 + 0 + 0 + 1) / 4 = .75, SNIPS 3 / 5 = .6; DR with a model of .5: .5 + (1 + 0 - 1 + .5) / 4 = .625."""
    data = Logged(np.array([1.0, 1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.25, 1.0]), np.array([1.0, 0.0, 0.5, 1.0]))
    half = np.full(4, 0.5)

    assert [found.value for found in (ips(data), snips(data), doubly_robust(data, half, half))] == pytest.approx([0.75, 0.6, 0.625])
    assert ips(data).effective == pytest.approx(25.0 / 9.0)


def test_the_known_value_lies_in_the_intervals() -> None:
    """Of 100 logs of 500 requests each, the 95 % interval of each estimate holds the value in at least 88 %, and the mean of the estimates
    lies within four standard errors of it: no bias is seen. The doubly robust one varies less than IPS."""
    found: dict[str, list[Estimate]] = {"ips": [], "snips": [], "dr": []}
    for seed in range(100):
        data, places = logged(500, 0.3, seed)
        model = RATES[places] + 0.05  # a wrong model: the propensities are right
        target = np.tile(RATES[[4, 3]] + 0.05, 500)
        found["ips"].append(ips(data))
        found["snips"].append(snips(data))
        found["dr"].append(doubly_robust(data, model, target))
    for name, estimates in found.items():
        values = np.array([one.value for one in estimates])
        held = np.mean([one.low <= VALUE <= one.high for one in estimates])
        assert held >= 0.88, name
        assert abs(values.mean() - VALUE) < 4 * values.std() / len(values) ** 0.5, name
    spread = {name: float(np.std([one.value for one in estimates])) for name, estimates in found.items()}
    assert spread["dr"] < spread["ips"]


def test_exploration_logs_the_chance_of_what_it_shows() -> None:
    """Of 10,000 lists, each item stands at each rank as often as its propensity says, within five standard deviations."""
    generator = np.random.default_rng(0)
    counts = np.zeros((2, 5))
    stated = np.zeros((2, 5))
    for _ in range(10_000):
        one = explore(ITEMS, 2, 0.2, generator)
        for rank, (item, propensity) in enumerate(zip(one.items, one.propensities, strict=True)):
            counts[rank, ITEMS.index(item)] += 1
            stated[rank, ITEMS.index(item)] = propensity
    rates = counts / 10_000

    assert np.all(np.abs(rates - stated) < 5 * np.sqrt(stated * (1 - stated) / 10_000))
    assert stated[0] == pytest.approx([0.84, 0.04, 0.04, 0.04, 0.04])


def test_without_exploration_nothing_is_drawn() -> None:
    """And of no items nothing is shown; outside the pool an item keeps its place below."""
    generator = np.random.default_rng(0)

    assert explore(ITEMS, 2, 0.0, generator) == Shown(("a", "b"), False, (1.0, 1.0))
    assert explore((), 2, 0.5, generator) == Shown((), False, ())
    assert {item for _ in range(200) for item in explore(ITEMS, 2, 1.0, generator, pool=3).items} == {"a", "b", "c"}


def test_what_cannot_be_estimated_is_refused_or_unknown() -> None:
    """A propensity of 0, lengths that differ; a log without a single action of the other policy says nothing."""
    one = np.ones(2)
    for propensities, rewards in ((np.array([0.5, 0.0]), one), (one, np.ones(3))):
        with pytest.raises(ValueError, match="must"):
            Logged(rewards, propensities, one)
    assert snips(Logged(one, one, np.zeros(2))).high == np.inf
