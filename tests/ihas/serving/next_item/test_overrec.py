"""An OverRec bundle answers requests as worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ihas.config.overrec import OverRecConfig
from ihas.errors import BundleVersionError, RequestError
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.overrec.archive import OverRecBundle, write_overrec
from ihas.serving.answers import RecommendRequest, UnknownValue
from ihas.serving.loading import load_recommender
from ihas.serving.next_item.overrec import OverRecRecommender
from tests.contracts.recommender import RecommenderContract

pytestmark = pytest.mark.full

DATA = UserSequences(("ada", "bob", "7"), ("a", "b", "c", "4"), Sequences.of([[0, 1, 2], [3, 1, 0, 1, 2], [2, 0]]))


def _recommender(**settings: Any) -> OverRecRecommender:
    return OverRecRecommender(OverRecBundle.of("walks", DATA, OverRecConfig(**settings), {"found": 1}))


class TestOverRecRecommender(RecommenderContract):
    """The contract, with items of the history shown."""

    @pytest.fixture
    def recommender(self) -> OverRecRecommender:
        """Three users at work."""
        return _recommender(hide_history=False)

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """Those of held histories."""
        return {"interactions", "cold_start"}

    @pytest.fixture
    def rows(self) -> list[dict[str, Any]]:
        """A stated history, a user's, and none."""
        return [{"history": ["a"], "item": "b"}, {"user": "ada", "item": "c"}, {"item": 4}]

    @pytest.fixture
    def context(self) -> dict[str, Any]:
        """A history."""
        return {"history": ["4", "a"]}

    @pytest.fixture
    def unknown_context(self) -> dict[str, Any]:
        """A user who took nothing."""
        return {"user": "eve"}

    @pytest.fixture
    def items(self) -> list[str]:
        """All items."""
        return ["a", "b", "c", "4"]


class TestOverRecByRegression(TestOverRecRecommender):
    """The contract, with kernel ridge regression."""

    @pytest.fixture
    def recommender(self) -> OverRecRecommender:
        """Three users, all of whose prefixes take part."""
        return _recommender(hide_history=False, score="krr")


@pytest.fixture(scope="module")
def walks() -> OverRecRecommender:
    """Three users at work, with two neighbours."""
    return _recommender(num_neighbours=2)


def test_neighbours_decide(walks: OverRecRecommender) -> None:
    """After b, a both prefixes that end in a went on with b; the history itself is not recommended, unless it is named."""
    found = walks.recommend(RecommendRequest({"history": ["b", "a"]}))
    assert [item.id for item in found.items] == ["c", "4"]
    assert found.num_scored == 2
    named = walks.recommend(RecommendRequest({"history": ["b", "a"]}, candidates=("a", "b", "c")))
    assert named.items[0].id == "b"
    assert named.items[0].score == pytest.approx(0.999 + 0.001 * 4 / 14)


def test_a_user_stands_for_their_history(walks: OverRecRecommender) -> None:
    """Whose name is known needs no history, a number names as its text does, and a stated history goes before."""
    by_name, by_history = walks.recommend(RecommendRequest({"user": 7})), walks.recommend(RecommendRequest({"history": ["c", "a"]}))
    assert by_name.items == by_history.items
    stated = walks.recommend(RecommendRequest({"user": "ada", "history": "a"}))
    assert stated.items == walks.recommend(RecommendRequest({"history": ["a"]})).items


def test_an_empty_history_is_answered_by_popularity(walks: OverRecRecommender) -> None:
    """Nobody, an empty list and a list of nothing get the most popular items, of equal ones the first by name, and are told why."""
    for context in ({}, {"history": []}, {"history": [None]}, {"user": None}):
        found = walks.recommend(RecommendRequest(context, explain=True))
        assert [item.id for item in found.items] == ["a", "b", "c", "4"]
        assert found.items[0].explanation is not None
        assert found.items[0].explanation.sentence == "There is no history, so popularity decides: it was taken 3 times."
    assert [item.score for item in found.items] == pytest.approx([4 / 14, 4 / 14, 4 / 14, 2 / 14])


def test_unknown_items_are_reported(walks: OverRecRecommender) -> None:
    """An unknown item keeps its place in the history, matches nothing, and is named; so is an unknown user."""
    found = walks.recommend(RecommendRequest({"user": "eve", "history": ["a", "z", 9]}, explain=True))
    assert found.unknown_values == (UnknownValue("user", "eve"), UnknownValue("history", ["z", 9]))
    reason = found.items[0].explanation
    assert reason is not None
    assert [part.values for part in reason.contributions] == [("a",)]


def test_a_history_of_strangers_is_answered(walks: OverRecRecommender) -> None:
    """Where nothing matches the longest prefixes vote, and no contribution is named."""
    found = walks.recommend(RecommendRequest({"history": ["z"]}, explain=True, k=1))
    assert found.items[0].id == "c"
    assert found.items[0].explanation is not None
    assert found.items[0].explanation.contributions == ()


def test_votes_are_explained(walks: OverRecRecommender) -> None:
    """Who voted, with what share, and what a history's item brought: without the last a, the neighbours say other things."""
    named = walks.recommend(RecommendRequest({"history": ["b", "a"]}, candidates=("b", "4"), explain=True))
    first, last = (item.explanation for item in named.items)
    assert first is not None
    assert last is not None
    assert first.sentence == "2 of the 2 nearest histories, 100% by weight, went on with it; the nearest is number 1."
    assert last.sentence == "None of the 2 nearest histories went on with it, so popularity decides: it was taken 1 times."
    assert {part.field for part in first.contributions} == {"history"}
    effects = {part.values[0]: part.logit for part in first.contributions}
    assert effects["a"] > effects["b"]


def test_rows_are_scored_by_what_comes_next(walks: OverRecRecommender) -> None:
    """The score of a row is the probability that its item comes next; an unknown item has the least of all."""
    rows = [{"history": ["b", "a"], "item": item} for item in ("b", "4", "z")]
    known, rare, unknown = walks.score(rows, explain=True)
    assert known.score == pytest.approx(0.999 + 0.001 * 4 / 14)
    assert rare.score == pytest.approx(0.001 * 2 / 14)
    assert unknown.score == pytest.approx(rare.score)
    assert unknown.unknown_values == (UnknownValue("item", "z"),)
    assert unknown.explanation is None
    assert known.logit == pytest.approx(math.log(known.score / (1 - known.score)))


@pytest.mark.parametrize(
    ("context", "pointer", "law"),
    [
        ({"history": {"a": 1}}, "/context/history", "must be a list"),
        ({"history": ["a", ["b"]]}, "/context/history/1", "text or a number"),
        ({"user": ["ada"]}, "/context/user", "text or a number"),
        ({"item": "a"}, "/context/item", "describes the item"),
    ],
)
def test_refuses_what_it_cannot_read(walks: OverRecRecommender, context: dict[str, Any], pointer: str, law: str) -> None:
    """Every refusal points to the part of the request that is wrong."""
    with pytest.raises(RequestError, match=law) as caught:
        walks.recommend(RecommendRequest(context))
    assert caught.value.pointer == pointer


def test_refuses_a_row_without_an_item(walks: OverRecRecommender) -> None:
    """A probability is that of an item."""
    with pytest.raises(RequestError, match="must name the item") as caught:
        walks.score([{"history": ["a"], "item": "b"}, {"history": ["a"]}])
    assert caught.value.pointer == "/rows/1/item"


def test_refuses_when_no_item_is_left(walks: OverRecRecommender) -> None:
    """A history of all items leaves nothing to recommend."""
    with pytest.raises(RequestError, match="all 4 are excluded or in the history") as caught:
        walks.recommend(RecommendRequest({"history": ["a", "b"]}, exclude=("c", 4)))
    assert caught.value.pointer == "/exclude"


def test_is_loaded_by_its_kind(tmp_path: Path) -> None:
    """A folder says what it is: OverRec is served as any model, and an unknown kind is refused."""
    write_overrec(OverRecBundle.of("walks", DATA, OverRecConfig(), {"found": 1}), tmp_path / "bundle")
    loaded = load_recommender(tmp_path / "bundle")
    assert (loaded.name, loaded.summary) == ("walks", {"found": 1})
    assert [item.id for item in loaded.recommend(RecommendRequest({"user": "ada"})).items] == ["4"]


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """A bundle of a later version's kind names itself."""
    from ihas.bundle.files import write_files

    write_files("crystal-ball", "seer", {}, tmp_path / "bundle")
    with pytest.raises(BundleVersionError, match="'grouped', 'overrec'.* but got 'crystal-ball'"):
        load_recommender(tmp_path / "bundle")
