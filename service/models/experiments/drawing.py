"""Exploration of served answers: the request is asked for the whole pool, and the order of the answer is drawn or not."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from ihas.serving.answers import Recommendation, RecommendRequest
from ihas_service.models.experiments.exploration import explore
from ihas_service.storage.traffic import MAX_POOL, Exploration


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the order of an answer came about.

    Attributes:
        explored: whether it was drawn.
        propensities: chance that each shown item stood at its rank.
        pool: items that might have stood there, without the shown ones.
    """

    explored: bool
    propensities: tuple[float, ...]
    pool: tuple[str, ...]


def may_be_drawn(request: RecommendRequest) -> bool:
    """Whether a request's order may be drawn: it has no rule that another order could break, and its items are all kept."""
    return request.diversity is None and 1 <= request.k <= MAX_POOL


def for_the_pool(request: RecommendRequest, exploration: Exploration) -> RecommendRequest:
    """The request for all items that are drawn from."""
    pool = max(request.k, exploration.pool)
    if isinstance(request.retrieve, int):
        pool = max(request.k, min(pool, request.retrieve))
    return msgspec.structs.replace(request, k=pool)


def draw(found: Recommendation, k: int, exploration: Exploration, generator: np.random.Generator) -> tuple[Recommendation, Drawn]:
    """The answer to show.

    Args:
        found: the whole pool, best first.
        k: most items to show.
        exploration: how often the order is drawn.
        generator: draws.
    """
    by_id = {item.id: item for item in found.items}
    shown = explore(tuple(by_id), k, exploration.percent / 100.0, generator, pool=max(len(by_id), 1))
    items = tuple(msgspec.structs.replace(by_id[name], rank=rank) for rank, name in enumerate(shown.items, start=1))
    places = set(shown.items)
    rest = tuple(name for name in by_id if name not in places)
    return msgspec.structs.replace(found, items=items), Drawn(shown.explored, shown.propensities, rest)
