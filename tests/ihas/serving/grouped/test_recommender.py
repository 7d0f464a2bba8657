"""The recommender of a bundle answers as worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import msgspec
import numpy as np
import pytest

from ihas.bundle.calibration import Calibration
from ihas.errors import RequestError
from ihas.serving.answers import DiversityRule, Recommendation, RecommendRequest, UnknownValue
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.requests import MAX_EXPLAINED, MAX_ROWS
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle
from tests.contracts.recommender import RecommenderContract
from tests.ihas.bundle_factory import GROUPS, LOGITS, bundle_with_users, rows, small_bundle
from tests.ihas.serving.grouped.test_observation import referred_bundle, summed_and_referred


class TestGroupedRecommender(RecommenderContract):
    """The contract, on the small bundle."""

    @pytest.fixture
    def recommender(self) -> GroupedRecommender:
        """The small bundle at work."""
        return GroupedRecommender(small_bundle())

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """All of a table's model without a reference."""
        return {"batches", "groups", "table", "item_updates"}

    @pytest.fixture
    def rows(self) -> list[dict[str, Any]]:
        """Every user with every movie."""
        return [dict(row) for row in rows()]

    @pytest.fixture
    def context(self) -> dict[str, Any]:
        """A user of group 1."""
        return {"user": "bob"}

    @pytest.fixture
    def unknown_context(self) -> dict[str, Any]:
        """A user whom no training row held."""
        return {"user": "eve"}

    @pytest.fixture
    def items(self) -> list[str]:
        """The movies."""
        return ["m1", "m2", "m3"]


class TestGroupedRecommenderWithUsers(TestGroupedRecommender):
    """The contract, on a bundle that knows its users."""

    @pytest.fixture
    def recommender(self) -> GroupedRecommender:
        """The small bundle with users."""
        return GroupedRecommender(bundle_with_users())


class TestGroupedRecommenderWithReference(TestGroupedRecommender):
    """The contract, on a bundle that says how its training rows were routed."""

    @pytest.fixture
    def recommender(self) -> GroupedRecommender:
        """The small bundle with the reference of its six rows."""
        return GroupedRecommender(referred_bundle())

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """All of a table's model."""
        return {"batches", "groups", "routing", "table", "item_updates"}


class TestGroupedRecommenderWithSums(TestGroupedRecommender):
    """The contract, on a bundle whose groups are said by sums."""

    @pytest.fixture
    def recommender(self) -> GroupedRecommender:
        """The small bundle with sums and the reference of its six rows."""
        return GroupedRecommender(summed_and_referred())

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """All of a table's model."""
        return {"batches", "groups", "routing", "table", "item_updates"}


SOME = tuple(map(str, range(500)))


@pytest.fixture(scope="module")
def films() -> GroupedRecommender:
    """The small bundle at work."""
    return GroupedRecommender(small_bundle())


def test_scores_as_worked_out_by_hand(films: GroupedRecommender) -> None:
    """Every user with every movie gets the logit and the group of the table in the factory."""
    scored = films.score(rows())
    assert [row.logit for row in scored] == [LOGITS[user][movie] for user in LOGITS for movie in LOGITS[user]]
    assert [row.group for row in scored] == [GROUPS[user] for user in LOGITS for _ in LOGITS[user]]


def test_rows_of_mixed_groups_come_back_in_their_order(films: GroupedRecommender) -> None:
    """Shuffled rows of two groups score as they do in order."""
    order = np.random.default_rng(0).permutation(6)
    expected = [films.score(rows())[row] for row in order]
    assert films.score([rows()[row] for row in order]) == expected


@pytest.mark.parametrize("user", ["ada", "bob"])
def test_recommends_by_score(films: GroupedRecommender, user: str) -> None:
    """The item table is ranked by the context's logits."""
    answer = films.recommend(RecommendRequest({"user": user}))
    assert [item.id for item in answer.items] == sorted(LOGITS[user], key=LOGITS[user].__getitem__, reverse=True)
    assert [item.score for item in answer.items] == pytest.approx([1 / (1 + math.exp(-LOGITS[user][item.id])) for item in answer.items])
    assert {item.group for item in answer.items} == {GROUPS[user]}


def test_unknown_and_missing_users_are_told_apart(films: GroupedRecommender) -> None:
    """An unknown user, (-1, 1), goes to group 1 and is reported; a missing one, (1, -1), goes to group 0 and is not."""
    unknown, missing = (films.recommend(RecommendRequest(context)) for context in ({"user": "eve"}, {}))
    assert {item.group for item in unknown.items} == {1}
    assert unknown.unknown_values == (UnknownValue("user", "eve"),)
    assert {item.group for item in missing.items} == {0}
    assert missing.unknown_values == ()


def test_reports_unknown_values_of_rows(films: GroupedRecommender) -> None:
    """A row reports a multi-valued cell as it was given when one of its values is unknown."""
    (scored,) = films.score([{"user": "ada", "genres": "drama|noir", "movie": "m1"}])
    assert scored.unknown_values == (UnknownValue("genres", "drama|noir"),)


def test_explanation_by_hand(films: GroupedRecommender) -> None:
    """ada with m1: masked embedding (2, 0), so distances 0 and sqrt 8; user +1, genres +2, movie +1."""
    reason = films.recommend(RecommendRequest({"user": "ada"}, ("m1",), explain=True)).items[0].explanation
    assert reason is not None
    assert reason.distances == pytest.approx((0.0, math.sqrt(8)))
    assert reason.runner_up == 1
    assert reason.margin == pytest.approx(math.sqrt(8))
    assert (reason.path, reason.dim) == ("group-0", 2)
    assert reason.gates_open == {"user": 1, "genres": 0, "movie": 0}
    assert reason.kept_dims == {"user": 1, "genres": 1, "movie": 2}
    assert [(part.field, part.values, part.logit) for part in reason.contributions] == [
        ("user", ("ada",), 1.0),
        ("genres", ("drama", "comedy"), 2.0),
        ("movie", ("m1",), 1.0),
    ]
    assert reason.sentence == (
        "Group 0 is nearest, by 2.83 before group 1; its model gives a probability of 0.989, raised most by genres = drama, comedy (+2.00)."
    )


def test_dropped_field_contributes_nothing(films: GroupedRecommender) -> None:
    """Group 1 reads no genres, so they contribute 0; bob with m3 is 2 - 3."""
    (scored,) = films.score([{"user": "bob", "genres": "drama", "movie": "m3"}], explain=True)
    assert scored.explanation is not None
    assert [part.logit for part in scored.explanation.contributions] == [2.0, 0.0, -3.0]
    assert "raised most by user = bob (+2.00), lowered most by movie = m3 (-3.00)" in scored.explanation.sentence


def test_item_ids_may_come_as_numbers() -> None:
    """Where items are named by numbers, 7, 7.0 and "7" are one item."""
    bundle = small_bundle()
    assert bundle.items is not None
    numbered = GroupedRecommender(dataclasses.replace(bundle, items=dataclasses.replace(bundle.items, names=("7", "8", "9"))))
    answer = numbered.recommend(RecommendRequest({"user": "ada"}, (7, "7.0", 8, 10), exclude=(8.0,)))
    assert [item.id for item in answer.items] == ["7"]
    assert answer.unknown_candidates == ("10",)


def test_request_is_read_from_json_and_answer_written_to_it(films: GroupedRecommender) -> None:
    """A request body and an answer survive JSON."""
    request = msgspec.json.decode(b'{"context": {"user": "ada"}, "candidates": ["m1", 3], "explain": true}', type=RecommendRequest)
    answer = films.recommend(request)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Recommendation) == answer


def test_refuses_an_item_field_in_the_context(films: GroupedRecommender) -> None:
    """What describes the item comes from the item table, not from the context."""
    with pytest.raises(RequestError, match="item table") as caught:
        films.recommend(RecommendRequest({"user": "ada", "genres": "drama"}))
    assert caught.value.pointer == "/context/genres"


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"context": [1]}, "/context"),
        ({"context": {1: "ada"}}, "/context"),
        ({"context": {"user": {"name": "ada"}}}, "/context/user"),
        ({"candidates": "m1"}, "/candidates"),
        ({"candidates": ["m1", ["m2"]]}, "/candidates/1"),
        ({"candidates": ["m1"] * (MAX_ROWS + 1)}, "/candidates"),
        ({"exclude": 3}, "/exclude"),
        ({"exclude": ["m1", None]}, "/exclude/1"),
        ({"exclude": ["m1", "m2", "m3"]}, "/exclude"),
        ({"explain": "yes"}, "/explain"),
        ({"explain": True, "k": MAX_EXPLAINED + 1}, "/k"),
    ],
)
def test_refuses_wrong_types_and_ranges(films: GroupedRecommender, parts: dict[str, Any], pointer: str) -> None:
    """Each wrong part of a request is pointed at."""
    with pytest.raises(RequestError) as caught:
        films.recommend(RecommendRequest(**parts))
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("bad", "explain", "pointer"),
    [
        ({"user": "ada"}, False, "/rows"),
        ([{"user": "ada"}, "bob"], False, "/rows/1"),
        ([{"user": ["ada"]}], False, "/rows/0/user"),
        ([{}] * (MAX_ROWS + 1), False, "/rows"),
        ([{}] * (MAX_EXPLAINED + 1), True, "/rows"),
    ],
)
def test_refuses_wrong_rows(films: GroupedRecommender, bad: Any, explain: bool, pointer: str) -> None:
    """Each wrong row is pointed at."""
    with pytest.raises(RequestError) as caught:
        films.score(bad, explain)
    assert caught.value.pointer == pointer


def test_refuses_to_recommend_without_an_item_table() -> None:
    """A bundle without an item table scores rows, and says so when asked to recommend."""
    bundle = small_bundle()
    bare = dataclasses.replace(bundle, items=None, schema=bundle.schema.model_copy(update={"item_id": None}))
    with pytest.raises(RequestError, match="no item table"):
        GroupedRecommender(bare).recommend(RecommendRequest({"user": "ada"}))
    assert len(GroupedRecommender(bare).score(rows())) == 6


def test_shows_its_schema(films: GroupedRecommender) -> None:
    """A recommender shows what fields a request may state."""
    assert [field.name for field in films.schema.fields if field.role == "context"] == ["user"]


def test_a_filter_decides_among_all_items_and_among_candidates() -> None:
    """Only m1 is a drama; m2 is none, so that naming it and asking for dramas leaves nothing, which points at the filter."""
    recommender = GroupedRecommender(small_bundle())
    request = RecommendRequest({"user": "ada"}, filter='genres has "drama"')
    assert [item.id for item in recommender.recommend(request).items] == ["m1"]
    kept = RecommendRequest({"user": "bob"}, ("m1", "m2", "m3"), exclude=("m1",), filter='not genres has "drama"')
    assert [item.id for item in recommender.recommend(kept).items] == ["m2", "m3"]
    for candidates, exclude in ((("m2",), ()), (None, ("m1",))):
        with pytest.raises(RequestError) as caught:
            recommender.recommend(RecommendRequest({"user": "ada"}, candidates, exclude=exclude, filter='genres has "drama"'))
        assert caught.value.pointer == "/filter"


def test_answers_are_no_more_alike_than_asked() -> None:
    """By hand: for ada m1 uses up comedy, so that m2 is passed over and m3, which has no genre, follows."""
    request = RecommendRequest({"user": "ada"}, diversity=DiversityRule("genres", 1))
    assert [item.id for item in GroupedRecommender(small_bundle()).recommend(request).items] == ["m1", "m3"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"filter": 3}, "/filter"),
        ({"diversity": DiversityRule("genres", 0)}, "/diversity/at_most"),
        ({"diversity": DiversityRule("genres", True)}, "/diversity/at_most"),
        ({"diversity": DiversityRule("user", 1)}, "/diversity/field"),
        ({"filter": 'user == "ada"'}, "/filter"),
    ],
)
def test_a_senseless_selection_is_pointed_at(changes: dict[str, Any], pointer: str) -> None:
    """A filter that is no text or asks of the context, and a diversity of nothing, are refused where they stand."""
    with pytest.raises(RequestError) as caught:
        GroupedRecommender(small_bundle()).recommend(RecommendRequest({"user": "ada"}, **changes))
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("hidden", "groups", "asked", "quick"),
    [
        ((64, 32), 1, {}, True),
        ((64, 32), 1, {"k": 10_000}, False),
        ((64, 32), 1, {"exclude": tuple(map(str, range(10_000)))}, False),
        ((64, 32), 1, {"filter": "field-14 = 'x'"}, False),
        ((64, 32), 1, {"diversity": DiversityRule("field-14", 1)}, False),
        ((64, 32), 1, {"candidates": SOME}, True),
        ((64, 32), 1, {"candidates": SOME, "exclude": ("1", "2")}, True),
        ((64, 32), 1, {"candidates": SOME, "explain": True}, False),
        ((64, 32), 4, {"candidates": SOME}, True),
        ((64, 32), 4, {}, False),
        ((400, 400, 400), 1, {"candidates": SOME[:100]}, True),
        ((400, 400, 400), 1, {"candidates": SOME}, False),
    ],
)
def test_what_takes_milliseconds_is_not_quick(hidden: tuple[int, ...], groups: int, asked: dict[str, Any], quick: bool) -> None:
    """What measured two milliseconds or less is quick: 10,000 items under 64-32, 500 with the way to one of four groups, 100 under 400x3;
    more on the way to groups or under 400x3 is not, nor thousands of names, filters of all items, diversity and reasons."""
    shape = BundleShape(hidden=hidden, num_groups=groups, num_users=50, num_values=50, num_items=10_000)
    assert GroupedRecommender(random_bundle(shape)).is_quick(RecommendRequest({}, **asked)) is quick


def test_no_more_items_are_excluded_than_can_be_candidates(films: GroupedRecommender) -> None:
    """10,000 are looked up, one more is refused with a pointer."""
    assert films.recommend(RecommendRequest({"user": "ada"}, exclude=tuple(map(str, range(10_000))))).items
    with pytest.raises(RequestError, match="At most 10000") as caught:
        films.recommend(RecommendRequest({"user": "ada"}, exclude=tuple(map(str, range(10_001)))))
    assert caught.value.pointer == "/exclude"


def test_scores_are_calibrated_and_the_order_is_not_touched() -> None:
    """Half of every log-odds, with nothing above 1: rows, recommendations and every group's answer say the same."""
    known = Calibration(np.array([-30.0, 2.0, 30.0]), np.array([-15.0, 1.0, 1.0]))
    recommender = GroupedRecommender(dataclasses.replace(small_bundle(), calibration=known))
    of_bob = [row for row in rows() if row["user"] == "bob"]
    scored, told = recommender.score(of_bob), recommender.score(of_bob, explain=True)
    answer = recommender.recommend(RecommendRequest(context={"user": "ada"}))  # logits 4.5, 3.5 and 1.5
    group, answers = recommender.ask_every_group(of_bob[0])

    assert [one.logit for one in scored] == [one.logit for one in told] == [0.5, 0.0, -0.5]
    assert [one.score for one in scored] == [pytest.approx(1 / (1 + math.exp(-logit))) for logit in (0.5, 0.0, -0.5)]
    assert [one.id for one in answer.items] == ["m1", "m2", "m3"]
    assert [one.score for one in answer.items] == [pytest.approx(1 / (1 + math.exp(-logit))) for logit in (1.0, 1.0, 0.75)]
    assert answers[group].score == scored[0].score
    assert told[0].explanation is not None
    assert "a probability of 0.622," in told[0].explanation.sentence  # of a log-odds of .5


def test_what_the_user_has_clicked_is_left_out() -> None:
    """Ada clicked m1 and m3: m2 is left, of all items and of candidates; bob and a stranger clicked nothing, so nothing is left out."""
    recommender = GroupedRecommender(bundle_with_users())

    def found(user: str, **asked: Any) -> list[str]:
        return [item.id for item in recommender.recommend(RecommendRequest({"user": user}, exclude_seen=True, **asked)).items]

    assert found("ada") == found("ada", candidates=("m1", "m2")) == ["m2"]
    assert found("bob") == ["m1", "m2", "m3"]
    assert set(found("eve")) == {"m1", "m2", "m3"}
    assert recommender.recommend(RecommendRequest({"user": "ada"}, exclude_seen=True)).seen_excluded == 2
    assert len(recommender.recommend(RecommendRequest({"user": "ada"})).items) == 3
    with pytest.raises(RequestError, match="all 3 are excluded"):
        found("ada", exclude=("m2",))


def test_leaving_out_what_was_clicked_needs_users() -> None:
    """A bundle without users, and a context without one, say what is missing."""
    with pytest.raises(RequestError, match="Set `columns.user_id`") as lacking:
        GroupedRecommender(small_bundle()).recommend(RecommendRequest({"user": "ada"}, exclude_seen=True))
    with pytest.raises(RequestError, match="states no `user`") as unnamed:
        GroupedRecommender(bundle_with_users()).recommend(RecommendRequest({}, exclude_seen=True))
    assert lacking.value.pointer == unnamed.value.pointer == "/exclude_seen"


def test_items_are_answered_with_the_fields_that_were_asked_for() -> None:
    """Single values as texts, several as lists, a missing one not at all; an unknown field is told with those that there are."""
    recommender = GroupedRecommender(small_bundle())
    items = recommender.recommend(RecommendRequest({"user": "bob"}, fields=("genres", "movie"))).items

    assert [item.fields for item in items] == [
        {"genres": ("drama", "comedy"), "movie": "m1"}, {"genres": ("comedy",), "movie": "m2"}, {"movie": "m3"},
    ]  # fmt: skip
    assert all(item.fields == {} for item in recommender.recommend(RecommendRequest({"user": "bob"})).items)
    with pytest.raises(RequestError, match="got 'title'; there are movie, genres") as error:
        recommender.recommend(RecommendRequest({"user": "bob"}, fields=("genres", "title")))
    assert error.value.pointer == "/fields/1"
