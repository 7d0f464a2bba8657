"""The order of an answer is drawn from its pool, and what it says of chance is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.serving.answers import DiversityRule, Recommendation, RecommendedItem, RecommendRequest
from ihas_service.models.experiments.drawing import draw, for_the_pool, may_be_drawn
from ihas_service.storage.traffic import Exploration

FOUND = Recommendation("rc_1", "films", tuple(RecommendedItem(f"m{rank}", 1 / rank, rank, 0) for rank in range(1, 6)), 5, (), ())


def test_ranks_are_those_of_the_list_and_scores_those_of_the_items() -> None:
    """The pool without what is shown; propensities of what is shown: 1/5 each where every order is drawn."""
    shown, drawn = draw(FOUND, 2, Exploration(percent=100.0), np.random.default_rng(0))
    scores = {item.id: item.score for item in FOUND.items}

    assert [item.rank for item in shown.items] == [1, 2]
    assert all(item.score == scores[item.id] for item in shown.items)
    assert {item.id for item in shown.items} | set(drawn.pool) == set(scores)
    assert (drawn.explored, drawn.propensities) == (True, (0.2, 0.2))


def test_a_list_that_is_not_drawn_says_how_likely_it_was() -> None:
    """It is the ranking itself: 1 - share + share / pool; of nothing, nothing is drawn."""
    shown, drawn = draw(FOUND, 2, Exploration(percent=1e-9), np.random.default_rng(0))

    assert ([item.id for item in shown.items], drawn.pool, drawn.explored) == (["m1", "m2"], ("m3", "m4", "m5"), False)
    assert drawn.propensities == pytest.approx((1.0, 1.0))
    assert all(value < 1.0 for value in drawn.propensities)
    assert draw(Recommendation(None, "films", (), 0, (), ()), 2, Exploration(percent=50.0), np.random.default_rng(0))[1].pool == ()


@pytest.mark.parametrize(
    ("asked", "k"), [({"k": 10}, 20), ({"k": 30}, 30), ({"k": 10, "retrieve": 12}, 12), ({"k": 10, "retrieve": 5}, 10)]
)
def test_the_whole_pool_is_asked_for(asked: dict[str, Any], k: int) -> None:
    """At least what is asked for, and no more than is retrieved: what was wrong stays wrong."""
    assert for_the_pool(RecommendRequest(**asked), Exploration(percent=5.0)).k == k


@pytest.mark.parametrize(
    ("asked", "may"), [({}, True), ({"k": 0}, False), ({"k": 101}, False), ({"diversity": DiversityRule("genre", 1)}, False)]
)
def test_what_another_order_could_break_is_not_drawn(asked: dict[str, Any], may: bool) -> None:
    """A rule of diversity, and items that are not kept."""
    assert may_be_drawn(RecommendRequest(**asked)) == may
