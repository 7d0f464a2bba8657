"""What another version would have earned on the answers that were given: it ranks the items of each answer's pool anew.

The other policy shows the first items of its own order of the pool, as many as were shown. The doubly robust estimate needs a model of
rewards, which need not be right: the other version's score of the item times a factor of the rank, the sum of rewards over the sum of
scores at that rank. An answer's factors come from the other half of the answers, so that no reward is in the model that it corrects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ihas.errors import RequestError
from ihas.serving.answers import RecommendRequest
from ihas.serving.protocol import Recommender
from ihas_service.models.experiments.off_policy import Estimate, Logged, doubly_robust, ips, observed, snips
from ihas_service.storage.contexts import read_context
from ihas_service.storage.drawn_answers import DrawnAnswer

HALVES = 2


@dataclass(frozen=True, slots=True)
class Replayed:
    """Estimates, in positive items per answer.

    Attributes:
        answers: that they are made of.
        explored: of these, with an order that was drawn.
        left_out: answers without a context, or with one that the other version cannot read.
        served: mean of what was shown, over the same answers.
        ips: what the other version would have earned.
        snips: likewise.
        doubly_robust: likewise.
    """

    answers: int
    explored: int
    left_out: int
    served: Estimate
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate


@dataclass(frozen=True, slots=True)
class Reranked:
    """One answer: what was shown, and the other version's order of its pool.

    Attributes:
        rewards: float (shown,), 1 for a positive item.
        propensities: float (shown,).
        same: float (shown,), 1 where the other version has the same item at the rank.
        shown: float (shown,), the other version's scores of the shown items; 0 of one that it does not know.
        own: float (shown,), its scores of its own items at these ranks; 0 where it has none.
        explored: whether the order was drawn.
    """

    rewards: np.ndarray
    propensities: np.ndarray
    same: np.ndarray
    shown: np.ndarray
    own: np.ndarray
    explored: bool


def replay(recommender: Recommender, answers: Iterable[DrawnAnswer], confidence: float = 0.95) -> Replayed | None:
    """Estimates for a version; None where no answer can be ranked by it."""
    found: list[Reranked] = []
    left_out = 0
    for answer in answers:
        ranked = _reranked(recommender, answer)
        if ranked is None:
            left_out += 1
        else:
            found.append(ranked)
    return None if not found else estimated(found, left_out, confidence)


def estimated(found: Sequence[Reranked], left_out: int = 0, confidence: float = 0.95) -> Replayed:
    """Estimates of answers that were ranked anew."""
    lengths = [len(one.rewards) for one in found]
    answers, ranks = np.repeat(np.arange(len(found)), lengths), np.concatenate([np.arange(length) for length in lengths])
    rewards, propensities, same, shown, own = (
        np.concatenate([getattr(one, name) for one in found]) for name in ("rewards", "propensities", "same", "shown", "own")
    )
    logged = Logged(rewards, propensities, same, answers)
    factors = _factors(rewards, shown, ranks, answers % HALVES)
    return Replayed(
        answers=len(found),
        explored=sum(one.explored for one in found),
        left_out=left_out,
        served=observed(logged, confidence),
        ips=ips(logged, confidence),
        snips=snips(logged, confidence),
        doubly_robust=doubly_robust(logged, factors * shown, factors * own, confidence),
    )


def _reranked(recommender: Recommender, answer: DrawnAnswer) -> Reranked | None:
    if answer.context is None or not answer.items:
        return None
    pool = (*answer.items, *answer.pool)
    try:
        ranking = recommender.recommend(RecommendRequest(read_context(answer.context), pool, len(pool))).items
    except RequestError:
        return None
    scores, names = {item.id: item.score for item in ranking}, [item.id for item in ranking]
    places = range(len(answer.items))
    return Reranked(
        rewards=np.array([item in answer.positive for item in answer.items], np.float64),
        propensities=np.array([item.propensity for item in answer.items.values()]),
        same=np.array([place < len(names) and names[place] == item for place, item in enumerate(answer.items)], np.float64),
        shown=np.array([scores.get(item, 0.0) for item in answer.items]),
        own=np.array([ranking[place].score if place < len(ranking) else 0.0 for place in places]),
        explored=any(item.explored for item in answer.items.values()),
    )


def _factors(rewards: np.ndarray, scores: np.ndarray, ranks: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Of each action the factor of its rank, from the other half of the answers: float (n,); 0 where that half has no score there."""
    count = int(ranks.max()) + 1
    found = np.zeros((HALVES, count))
    for side in range(HALVES):
        other = half != side
        earned, scored = (np.bincount(ranks[other], weights=values[other], minlength=count) for values in (rewards, scores))
        found[side] = np.divide(earned, scored, out=np.zeros(count), where=scored > 0.0)
    return np.asarray(found[half, ranks])
