"""Estimates of another version's clicks per answer hold the known value as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_service.models.experiments.off_policy import Logged, ips
from ihas_service.models.experiments.replay import Replayed, Reranked, estimated, replay
from ihas_service.storage.drawn_answers import DrawnAnswer
from ihas_service.storage.feedback import KeptItem
from tests.ihas.bundle_factory import small_bundle

ITEMS = 6
RATES = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
SEEN = np.array([1.0, 0.8, 0.6])
"""How much each rank is looked at."""
OTHER = np.array([5, 4, 3])
"""Items that the other version shows."""
VALUE = float((RATES[OTHER] * SEEN).sum())
"""Clicks of an answer in the other order: .3 + .25 x .8 + .2 x .6 = .62."""
KEENNESS = np.array([0.2, 1.8])
"""Half the people click much and half little, so that clicks of one answer depend on each other."""
SHOWN = len(SEEN)


def simulated(answers: int, share: float, generator: np.random.Generator, scores: np.ndarray) -> list[Reranked]:
    """Answers with exploration, their clicks, and another version's order with its scores of the items; drawn as `explore` does."""
    explored = generator.random(answers) < share
    orders = np.where(explored[:, None], np.argsort(generator.random((answers, ITEMS)), axis=1), np.arange(ITEMS))[:, :SHOWN]
    keen = generator.choice(KEENNESS, (answers, 1))
    clicks = (generator.random(orders.shape) < RATES[orders] * SEEN * keen).astype(float)
    propensities = (1.0 - share) * (orders == np.arange(SHOWN)) + share / ITEMS
    same, own = (orders == OTHER).astype(float), np.tile(scores[OTHER], (answers, 1))
    parts = zip(clicks, propensities, same, scores[orders], own, explored.tolist(), strict=True)
    return [Reranked(*part) for part in parts]


@pytest.mark.slow
def test_the_known_value_lies_in_the_intervals_as_often_as_stated() -> None:
    """Of 500 logs of 600 answers, 95 % intervals of each estimate hold the value in at least 92 %, four standard deviations of such a count
    below; the mean of the estimates lies within four standard errors of it. The doubly robust one varies
    less than IPS."""
    generator, wrong = np.random.default_rng(0), RATES[::-1] + 0.3
    looks: list[Replayed] = [estimated(simulated(600, 0.5, generator, scores)) for scores in (RATES, wrong) for _ in range(250)]
    held, spread = {}, {}
    for name in ("ips", "snips", "doubly_robust"):
        estimates = [getattr(look, name) for look in looks]
        values = np.array([one.value for one in estimates])
        held[name] = float(np.mean([one.low <= VALUE <= one.high for one in estimates]))
        spread[name] = float(values[:250].std())
        assert abs(values.mean() - VALUE) < 4 * values.std() / len(values) ** 0.5, name
    assert min(held.values()) >= 0.92, held
    assert spread["doubly_robust"] < spread["ips"]
    assert all(200 < look.explored < 400 for look in looks)


def test_clicks_of_one_answer_are_not_taken_for_independent() -> None:
    """Intervals of single positions are too narrow where people differ: those of answers are wider."""
    found = simulated(5_000, 0.5, np.random.default_rng(1), RATES)
    rewards, propensities, same = (np.concatenate([getattr(one, name) for one in found]) for name in ("rewards", "propensities", "same"))
    single = ips(Logged(rewards, propensities, same))
    together = ips(Logged(rewards, propensities, same, np.repeat(np.arange(5_000), SHOWN)))

    assert together.value == pytest.approx(SHOWN * single.value)
    assert together.high - together.low > SHOWN * (single.high - single.low) / SHOWN**0.5


def test_estimates_of_two_answers_are_as_worked_by_hand() -> None:
    """w r = 2 and 0 + 4, so IPS is 3; SNIPS is sum(w r) / sum(w) = 6 / 6 times 1.5 items an answer. The first answer's factor is the second
    one's at rank 1, 0 / .5; the second's are the first's, 1 / .5 at rank 1 and none at rank 2. DR: 0 + 2 and 1 + 0 + 4."""
    one = Reranked(np.ones(1), np.array([0.5]), np.ones(1), np.array([0.5]), np.array([0.5]), False)
    two = Reranked(np.array([0.0, 1.0]), np.array([0.5, 0.25]), np.array([0.0, 1.0]), np.full(2, 0.5), np.full(2, 0.5), True)
    found = estimated([one, two])

    assert (found.answers, found.explored, found.served.value) == (2, 1, 1.0)
    assert found.ips.value == pytest.approx(3.0)
    assert found.snips.value == pytest.approx(1.5)
    assert found.doubly_robust.value == pytest.approx((2.0 + 5.0) / 2)


def test_a_pool_is_ranked_anew() -> None:
    """Ada's films are m1, m2, m3; the answer showed m2 and m3. What the version cannot read is left out."""
    kept = {"m2": KeptItem(0, 0.4, 0.25, True), "m3": KeptItem(0, 0.9, 0.25, True)}
    answer = DrawnAnswer(1, '{"user":"ada"}', kept, frozenset({"m3"}), ["m1"])
    wrong = [answer._replace(context=None), answer._replace(context='{"colour":"red"}'), answer._replace(items={})]
    found = replay(GroupedRecommender(small_bundle()), [answer, *wrong, answer._replace(items=dict(list(kept.items())[::-1]))])

    assert found is not None
    assert (found.answers, found.left_out, found.explored) == (2, 3, 2)
    assert (found.served.value, found.ips.value) == (1.0, 0.0)  # m2 stood second once, without a click
    assert found.ips.effective == 1.0
    assert replay(GroupedRecommender(small_bundle()), wrong) is None
