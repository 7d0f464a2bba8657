"""Team draft: fair to equal rankings, and clicks tell the better one."""

from __future__ import annotations

import random
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas_service.models.experiments.interleaving import Interleaved, fair_coin, sign_test, team_draft

Ranking = st.lists(st.sampled_from("abcdefghij"), unique=True)


def test_a_draft_is_as_worked_by_hand() -> None:
    """First picks first, then second, then first: a; b (second's best that is left is c? it is b); the round after, d and c."""
    heads = iter([True, False])
    found = team_draft(["a", "b", "c", "d"], ["b", "d", "a", "c"], 4, lambda: next(heads))

    assert found == Interleaved(("a", "b", "d", "c"), frozenset({"b", "d"}))


@given(first=Ranking, second=Ranking, k=st.integers(0, 12))
def test_a_list_has_the_items_of_both_once(first: list[str], second: list[str], k: int) -> None:
    """As many as there are, at most k; no team is ahead by more than one while both have items."""
    found = team_draft(first, second, k)

    assert len(found.items) == len(set(found.items)) == min(k, len(set(first) | set(second)))
    assert set(found.items) <= set(first) | set(second)
    assert found.second <= set(second)
    if set(first) == set(second):
        assert abs(len(found.items) - 2 * len(found.second)) <= 1


def test_equal_rankings_get_equal_credit() -> None:
    """Whatever people click: 20,000 lists, a click on the first item, or on a place drawn by chance, within four standard deviations."""
    random.seed(0)
    items = [str(number) for number in range(10)]
    for clicked in (cycle([0]), cycle(range(10))):
        lists = [team_draft(items, items, 10, fair_coin) for _ in range(20_000)]
        credits = sum(one.items[place] in one.second for one, place in zip(lists, clicked, strict=False))
        assert abs(credits - 10_000) < 4 * (20_000 * 0.25) ** 0.5


def test_the_better_ranking_wins() -> None:
    """People click the one item that they want; the ranking that has it first is credited more often."""
    random.seed(1)
    wanted, worse = ["x", "a", "b", "c"], ["a", "b", "c", "x"]
    wins = sum("x" not in team_draft(wanted, worse, 4, fair_coin).second for _ in range(1_000))

    assert wins > 900
    assert sign_test(wins, 1_000 - wins) < 1e-9


def test_the_sign_test_is_the_binomial_one() -> None:
    """8 of 10: 2 (45 + 10 + 1) / 1024 = .109375; nothing is known of no wins."""
    assert sign_test(8, 2) == pytest.approx(0.109375)
    assert sign_test(0, 0) == 1.0
