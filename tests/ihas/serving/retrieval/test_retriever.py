"""Two stages: retrieval chooses, the model scores; worked out by hand on the small bundle.

Vectors are in the plane: ada's context is (1, 0), bob's (0, 1), any other (0, 0). m1 is (0, 3), m2 (2, 0), m3 (1, 1): ada's nearest are
m2, m3, m1, and bob's m1, m3, m2, whatever the model thinks of them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.values import Bundle, Retrieval, Tower
from ihas.errors import BundleCorruptError, RequestError
from ihas.serving.answers import DiversityRule, Recommendation, RecommendRequest, Retrieved
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.requests import MAX_ROWS
from ihas.serving.retrieval.retriever import Retriever
from tests.ihas.bundle_factory import small_bundle


def retrieving_bundle() -> Bundle:
    """The small bundle, with the vectors above."""
    bundle = small_bundle()
    table = np.array([[0, 0], [0, 0], [1, 0], [0, 1]], np.float32)
    plane, nothing = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    query = Tower(bundle.encoder.layout.side([0]), table, (plane, plane), (nothing, nothing))
    items = np.array([[0, 3], [2, 0], [1, 1]], np.float32)
    return dataclasses.replace(bundle, retrieval=Retrieval(query, items, query.vectors(bundle.golden.ids[:, :1])))


def _ask(request: RecommendRequest) -> Recommendation:
    return GroupedRecommender(retrieving_bundle()).recommend(request)


def test_the_model_scores_what_was_retrieved() -> None:
    """Of ada's two nearest, m2 and m3, the model puts m2 first; m1, which it likes best of all, was not retrieved."""
    answer = _ask(RecommendRequest({"user": "ada"}, k=2, retrieve=2))
    assert [item.id for item in answer.items] == ["m2", "m3"]
    assert (answer.num_scored, answer.retrieved) == (2, Retrieved(2, 3, "exact"))
    assert [item.id for item in _ask(RecommendRequest({"user": "bob"}, k=1, retrieve=1)).items] == ["m1"]


def test_exclusions_and_filters_come_before_retrieval() -> None:
    """Without m2, ada's nearest are m3 and m1; under a filter that leaves one item nothing is retrieved, for all are scored."""
    answer = _ask(RecommendRequest({"user": "ada"}, k=1, exclude=("m2",), retrieve=1))
    assert [item.id for item in answer.items] == ["m3"]
    assert answer.retrieved == Retrieved(1, 2, "exact")
    answer = _ask(RecommendRequest({"user": "ada"}, k=1, filter='genres has "drama"', retrieve=1))
    assert ([item.id for item in answer.items], answer.retrieved) == (["m1"], None)


def test_few_items_and_candidates_are_scored_whole() -> None:
    """Three items need no retrieval unless it is asked for, and named candidates never do."""
    assert _ask(RecommendRequest({"user": "ada"})).retrieved is None
    assert _ask(RecommendRequest({"user": "ada"}, ("m1", "m2"), k=1, retrieve=1)).num_scored == 2


def test_the_explanation_says_that_retrieval_chose() -> None:
    """Each reason ends with the item's place among the retrieved."""
    items = _ask(RecommendRequest({"user": "ada"}, k=2, retrieve=2, explain=True)).items
    assert items[0].explanation is not None
    assert items[0].explanation.sentence.endswith("Retrieval put it at place 1 of 3 items, of which 2 were scored.")


def test_how_many_are_retrieved() -> None:
    """1,000, ten for each answer, four times as many under diversity, at most what a request may score; all where few are left."""
    bundle = retrieving_bundle()
    assert bundle.retrieval is not None
    wanted = Retriever(bundle, bundle.retrieval).wanted
    many = 5 * MAX_ROWS
    assert wanted(RecommendRequest(k=10), many) == 1_000
    assert wanted(RecommendRequest(k=300), many) == 3_000
    assert wanted(RecommendRequest(k=10, diversity=DiversityRule("genres", 1)), many) == 4_000
    assert wanted(RecommendRequest(k=2_000), many) == MAX_ROWS
    assert wanted(RecommendRequest(k=10), MAX_ROWS) is None


@pytest.mark.parametrize("retrieve", [0, 9, True, MAX_ROWS + 1])
def test_a_senseless_number_is_pointed_at(retrieve: int) -> None:
    """Fewer than the answers, more than a request may score, or no number."""
    with pytest.raises(RequestError) as caught:
        _ask(RecommendRequest({"user": "ada"}, k=10, retrieve=retrieve))
    assert caught.value.pointer == "/retrieve"


def test_retrieval_travels_in_the_bundle(tmp_path: Path) -> None:
    """Written and read again, a bundle retrieves the same."""
    write_bundle(retrieving_bundle(), tmp_path / "bundle")
    found = GroupedRecommender(read_bundle(tmp_path / "bundle")).recommend(RecommendRequest({"user": "ada"}, k=2, retrieve=2))
    assert [item.id for item in found.items] == ["m2", "m3"]


def test_other_golden_vectors_are_refused() -> None:
    """A tower that gives golden contexts other vectors than recorded does not serve."""
    bundle = retrieving_bundle()
    assert bundle.retrieval is not None
    other = dataclasses.replace(bundle.retrieval, golden=bundle.retrieval.golden + np.float32(0.5))
    with pytest.raises(BundleCorruptError, match=r"0\.5"):
        GroupedRecommender(dataclasses.replace(bundle, retrieval=other))
