"""Item fields that are put score, filter and explain as a bundle whose item table says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ihas.bundle.values import Bundle
from ihas.data.item_table import FieldValues, ItemTable
from ihas.errors import RequestError
from ihas.serving.answers import RecommendRequest, Retrieved
from ihas.serving.capabilities import DescribesItems
from ihas.serving.grouped.item_overlay import ItemOverlay
from ihas.serving.grouped.recommender import GroupedRecommender
from tests.ihas.bundle_factory import GENRES, small_bundle, summed_bundle
from tests.ihas.serving.mixed_bundle import ITEMS, contexts, mixed_bundle, with_sums
from tests.ihas.serving.retrieval.test_retriever import retrieving_bundle

pytestmark = pytest.mark.tf

Put = dict[str, dict[str, Any]]


def _updates(recommender: GroupedRecommender) -> DescribesItems:
    assert recommender.item_updates is not None
    return recommender.item_updates


def _exported(bundle: Bundle, genres: Mapping[str, Any]) -> Bundle:
    """The bundle as if its table had these genres; items that it does not hold come last and are shown by no row."""
    assert bundle.items is not None
    names = (*bundle.items.names, *sorted(genres.keys() - set(bundle.items.names)))
    rows = [{"movie": name, "genres": genres.get(name)} for name in names]
    ids = bundle.encoder.encode_rows(rows, [name for name in bundle.encoder.layout.names if name in ("movie", "genres")])
    popularity = np.append(bundle.items.popularity, np.zeros(len(names) - len(bundle.items.names), np.int32))
    texts = sorted({text for cell in genres.values() for text in cell or ()})
    lengths = [len(genres.get(name) or ()) for name in names]
    codes = np.array([texts.index(text) for name in names for text in genres.get(name) or ()], np.int32)
    values = {"genres": FieldValues(tuple(texts), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), codes, multivalued=True)}
    return dataclasses.replace(bundle, items=ItemTable(names, ids, popularity, values))


def _same(found: GroupedRecommender, wanted: GroupedRecommender, asked: Mapping[str, Any]) -> None:
    """Both rank, score, route and explain alike."""
    ours, theirs = (one.recommend(RecommendRequest(dict(asked), k=20, explain=True)) for one in (found, wanted))
    assert [(item.id, item.group) for item in ours.items] == [(item.id, item.group) for item in theirs.items]
    np.testing.assert_allclose([item.score for item in ours.items], [item.score for item in theirs.items], atol=1e-6)
    for own, other in zip(ours.items, theirs.items, strict=True):
        assert own.explanation is not None
        assert other.explanation is not None
        assert [part.values for part in own.explanation.contributions] == [part.values for part in other.explanation.contributions]


STEPS: tuple[Put, ...] = (
    {"m1": {"genres": ["noir"]}},
    {"m1": {"genres": ["noir"]}, "m2": {"genres": []}, "m99": {"genres": ["drama"]}},
    {"m1": {"genres": ["comedy", "drama"]}, "m99": {"genres": ["drama"]}, "a0": {}, "m3": {"genres": "drama|never heard of"}},
    {"m99": {"genres": ["comedy"]}},
    {},
    {"a0": {"genres": ["noir"]}},
)
"""What is put one after the other; each in the place of all before."""


@pytest.mark.parametrize("max_bytes", [2**20, 300, 0])
@pytest.mark.parametrize(
    ("kind", "form", "on", "sums", "gated"),
    [
        ("deepfm", "full", "masked", False, False),
        ("mlp", "field", "openness", False, False),
        ("fm", "full", "embedding", False, False),
        ("dcn", "field", "mask", False, False),
        ("mlp", "full", "masked", True, False),
        ("mlp", "full", "masked", True, True),
        ("autoint", "full", "masked", False, True),
    ],
)
def test_what_is_put_counts_as_if_the_table_had_said_so(kind: str, form: str, on: Any, sums: bool, gated: bool, max_bytes: int) -> None:
    """Whatever the backbone, the routing and the memory: changed, new and forgotten items, one step after the other, equal a bundle
    that was exported with these rows."""
    plain = mixed_bundle(kind, form, on, gated=gated)
    bundle = with_sums(plain) if sums else plain
    assert bundle.items is not None
    cycle = (["drama"], ["comedy", "noir"], [], ["drama", "comedy", "noir"])
    genres: dict[str, Any] = {item: cycle[number % 4] for number, item in enumerate(ITEMS)}
    found = GroupedRecommender(_exported(bundle, genres), max_item_bytes=max_bytes)
    for revision, put in enumerate(STEPS, start=1):
        _updates(found).describe(put, revision)
        changed: dict[str, Any] = {item: fields.get("genres", []) for item, fields in put.items()}
        changed = {item: cell.split("|") if isinstance(cell, str) else cell for item, cell in changed.items()}
        wanted = GroupedRecommender(_exported(bundle, genres | changed), max_item_bytes=max_bytes)
        for context in contexts()[::11]:
            _same(found, wanted, context)


def test_sums_that_say_the_group_are_those_of_the_changed_rows() -> None:
    """To the bit: m3 without a genre goes with ada to group 0, and as a comedy by its numbers."""
    recommender = GroupedRecommender(summed_bundle())
    _updates(recommender).describe({"m3": {"genres": ["comedy"]}, "m1": {"genres": None}}, 1)
    wanted = GroupedRecommender(_exported(summed_bundle(), {"m1": [], "m2": ["comedy"], "m3": ["comedy"]}))
    for user in ("ada", "bob", "nobody"):
        _same(recommender, wanted, {"user": user})


def test_only_what_changed_is_computed() -> None:
    """Rows of items that are as before are taken over, also into another place."""
    recommender = GroupedRecommender(summed_bundle())
    first: Put = {"m1": {"genres": ["comedy"]}, "m9": {"genres": ["drama"]}}
    _updates(recommender).describe(first, 1)
    arrays = recommender._shelf.candidates.arrays  # type: ignore[union-attr]
    assert isinstance(arrays, ItemOverlay)
    computed: list[int] = []
    makers = dict(arrays._base.makers)
    arrays._base.makers = {  # type: ignore[misc]
        name: lambda ids, make=make: computed.append(len(ids)) or make(ids)  # type: ignore[misc,func-returns-value]
        for name, make in makers.items()
    }
    _updates(recommender).describe({**first, "a0": {"genres": ["comedy"]}}, 2)

    assert computed == [1] * len(makers)
    wanted = GroupedRecommender(_exported(summed_bundle(), {"m1": ["comedy"], "m2": ["comedy"], "m9": ["drama"], "a0": ["comedy"]}))
    _same(recommender, wanted, {"user": "ada"})


def test_filters_exclusions_candidates_and_shown_fields_know_what_was_put() -> None:
    """Also of an item that the bundle does not know; without what was put all is as before."""
    recommender = GroupedRecommender(small_bundle())
    updates = _updates(recommender)
    assert (updates.item_fields, updates.revision) == (("genres",), None)
    updates.describe({"m3": {"genres": ["sport"]}, "m9": {"genres": ["comedy"]}}, 5)

    def ask(**asked: Any) -> list[str]:
        return [item.id for item in recommender.recommend(RecommendRequest({"user": "bob"}, **asked)).items]

    assert ask(filter='genres has "sport"') == ["m3"]
    assert ask(filter='genres has "comedy"', exclude=("m1",)) == ["m9", "m2"]
    assert ask(candidates=("m9", "m2")) == ["m9", "m2"]
    assert ask(exclude=("m9",)) == ["m1", "m2", "m3"]
    shown = recommender.recommend(RecommendRequest({"user": "bob"}, candidates=("m3",), fields=("genres",))).items
    assert shown[0].fields == {"genres": ("sport",)}
    assert (updates.shown("m9"), updates.shown("m1"), updates.shown("m8")) == (
        {"genres": ("comedy",)},
        {"genres": ("drama", "comedy")},
        None,
    )
    assert recommender.described_items is not None
    assert recommender.described_items[1] == ("m1", "m2", "m3", "m9")

    updates.describe({}, 6)
    assert ask() == ["m1", "m2", "m3"]
    assert ask(filter="genres is missing") == ["m3"]


def test_what_a_version_cannot_read_is_left_out() -> None:
    """Fields of another version, and values that this one's field cannot have; the others count."""
    recommender = GroupedRecommender(small_bundle())
    _updates(recommender).describe({"m2": {"colour": "red", "genres": [["deep"]]}, "m3": {"size": 3, "genres": ["drama"]}}, 1)
    wanted = GroupedRecommender(_exported(small_bundle(), {"m1": ["drama", "comedy"], "m2": ["comedy"], "m3": ["drama"]}))
    _same(recommender, wanted, {"user": "ada"})


def test_what_would_become_of_fields_is_told() -> None:
    """Whether the item is new, and what is unknown; nothing changes by asking."""
    updates = _updates(GroupedRecommender(small_bundle()))
    found = updates.check("m9", {"genres": "drama|opera"}, "/fields")
    assert (found.new, [(one.field, one.value) for one in found.unknown_values]) == (True, [("genres", "drama|opera")])
    assert updates.check("m1", {}, "/fields").new is False
    with pytest.raises(RequestError, match="Did you mean `genres`"):
        updates.check("m1", {"genre": "x"}, "/fields")
    assert updates.shown("m9") is None


def test_items_that_were_put_are_scored_beside_those_that_are_retrieved() -> None:
    """Retrieval knows no vectors of them as they are now: of two items for ada, m2 and m3, and of what was put, m9, the model chooses."""
    recommender = GroupedRecommender(retrieving_bundle())
    _updates(recommender).describe({"m9": {"genres": ["comedy"]}}, 1)
    answer = recommender.recommend(RecommendRequest({"user": "ada"}, k=2, retrieve=2, explain=True))

    assert answer.retrieved == Retrieved(3, 4, "exact", 1)
    assert [item.id for item in answer.items] == ["m9", "m2"]
    said = [item.explanation.sentence for item in answer.items if item.explanation is not None]
    assert said[0].endswith("Its fields were put after the training, so that it was scored whatever retrieval finds.")
    assert "Retrieval put it at place 1 of 4 items" in said[1]

    _updates(recommender).describe({"m1": {"genres": ["comedy"]}}, 2)
    changed = recommender.recommend(RecommendRequest({"user": "ada"}, k=1, retrieve=1, exclude=("m3",)))
    assert ([item.id for item in changed.items], changed.retrieved) == (["m1"], Retrieved(2, 2, "exact", 1))


def test_a_description_is_read_once() -> None:
    """The same revision does nothing; None is no revision."""
    recommender = GroupedRecommender(small_bundle())
    updates = _updates(recommender)
    updates.describe({"m9": {}}, 1)
    updates.describe({}, 1)
    assert updates.shown("m9") == {"genres": ()} or updates.shown("m9") == {}
    updates.describe({}, None)
    assert (updates.shown("m9"), updates.revision) == (None, None)
    assert list(GENRES) == ["m1", "m2", "m3"]
