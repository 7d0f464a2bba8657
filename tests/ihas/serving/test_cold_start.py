"""A cold-start model beside a trained one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas.bundle.compound import write_compound
from ihas.config.overrec import OverRecConfig
from ihas.errors import BundleCorruptError, BundleError
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.overrec.archive import OverRecBundle, write_overrec
from ihas.serving.answers import RecommendRequest
from ihas.serving.cold_start import ColdStartRecommender
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import COLD_START, load_recommender
from ihas.serving.next_item.overrec import OverRecRecommender
from tests.ihas.bundle_factory import rows, small_bundle
from tests.ihas.serving.grouped import test_recommender

pytestmark = pytest.mark.full

DATA = UserSequences(("zoe", "bob"), ("m1", "m2", "m3"), Sequences.of([[0, 1, 2], [2, 1, 0]]))


def _cold_start_bundle() -> OverRecBundle:
    return OverRecBundle.of("walks", DATA, OverRecConfig(num_neighbours=1), {"found": 1})


@pytest.fixture(scope="module")
def combined() -> ColdStartRecommender:
    """The small bundle behind two histories."""
    return ColdStartRecommender("both", GroupedRecommender(small_bundle()), OverRecRecommender(_cold_start_bundle()), "user")


class TestColdStartRecommender(test_recommender.TestGroupedRecommender):
    """The contract, answered by the trained model wherever there is no history."""

    @pytest.fixture
    def recommender(self) -> ColdStartRecommender:
        """The small bundle behind two histories."""
        return ColdStartRecommender("both", GroupedRecommender(small_bundle()), OverRecRecommender(_cold_start_bundle()), "user")

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """None but that fields of items are put: rows go to one of two models."""
        return {"item_updates"}


def test_the_model_answers_for_whom_it_knows(combined: ColdStartRecommender) -> None:
    """A user of the training rows gets the trained model's answer, with or without a history."""
    plain = combined.model.recommend(RecommendRequest({"user": "bob"}, explain=True))
    for context in ({"user": "bob"}, {"user": "bob", "history": ["m1"]}):
        found = combined.recommend(RecommendRequest(context, explain=True))
        assert (found.items, found.model) == (plain.items, "both")


def test_histories_answer_for_strangers_and_say_so(combined: ColdStartRecommender) -> None:
    """A stranger's history, stated or on file, is answered by the nearest one; the explanation begins with the reason."""
    stated = combined.recommend(RecommendRequest({"user": "eve", "history": ["m1"]}, k=1, explain=True))
    assert [item.id for item in stated.items] == ["m2"]
    assert stated.items[0].explanation is not None
    said = stated.items[0].explanation.sentence
    assert said.startswith("The model knows no `user` 'eve', so the history is answered by the nearest ones. 1 of the 1 nearest")
    assert [value.field for value in stated.unknown_values] == ["user"]
    on_file = combined.recommend(RecommendRequest({"user": "zoe"}, candidates=("m1", "m2"), explain=True))
    assert on_file.items[0].explanation is not None
    assert "knows no `user` 'zoe'" in on_file.items[0].explanation.sentence


def test_nobody_with_a_history_is_answered_by_it(combined: ColdStartRecommender) -> None:
    """Without a user the history decides; with neither, the model."""
    found = combined.recommend(RecommendRequest({"history": ["m3"]}, k=1, explain=True))
    assert found.items[0].id == "m2"
    assert found.items[0].explanation is not None
    assert found.items[0].explanation.sentence.startswith("No `user` is named")
    plain = combined.model.recommend(RecommendRequest({}))
    assert combined.recommend(RecommendRequest({"history": []})).items == plain.items


def test_a_stranger_without_a_history_is_the_models(combined: ColdStartRecommender) -> None:
    """Where neither knows anything, the trained model's answer for an unknown user stands."""
    assert combined.recommend(RecommendRequest({"user": "eve"})).items == combined.model.recommend(RecommendRequest({"user": "eve"})).items


def test_rows_are_the_models(combined: ColdStartRecommender) -> None:
    """Scores of rows are the trained model's, whatever history they state."""
    stated = [{**row, "history": ["m1"]} for row in rows()]
    assert combined.score(stated) == combined.model.score(rows())


def _written(tmp_path: Path) -> Path:
    write_bundle(small_bundle(), tmp_path / "model")
    write_overrec(_cold_start_bundle(), tmp_path / "front")
    write_compound(
        COLD_START, "both", {"user_field": "user"}, {"model": tmp_path / "model", "front": tmp_path / "front"}, tmp_path / "bundle"
    )
    return tmp_path / "bundle"


def test_is_a_bundle_of_both(tmp_path: Path, combined: ColdStartRecommender) -> None:
    """Two bundles in one folder are served by its kind, and answer as the two together."""
    loaded = load_recommender(_written(tmp_path))
    request = RecommendRequest({"user": "eve", "history": ["m1"]}, explain=True)
    assert loaded.recommend(request) == combined.recommend(request)
    assert set(loaded.summary) == {"model", "front"}


def test_another_part_is_refused(tmp_path: Path) -> None:
    """A part that was exchanged, though whole, is not the one that was put there; an extra file is none of it."""
    folder = _written(tmp_path)
    (folder / "stray.json").write_text("{}")
    with pytest.raises(BundleCorruptError, match=r"`stray\.json` is not part of"):
        load_recommender(folder)
    (folder / "stray.json").unlink()
    for path in (folder / "front").iterdir():
        path.unlink()
    (folder / "front").rmdir()
    with pytest.raises(BundleCorruptError, match="`front` is missing"):
        load_recommender(folder)
    write_overrec(OverRecBundle.of("others", DATA, OverRecConfig(), {}), folder / "front")
    with pytest.raises(BundleCorruptError, match="'front' .* is not the one"):
        load_recommender(folder)


def test_a_cold_start_model_reads_histories(tmp_path: Path) -> None:
    """Two trained models are no cold start, nor is one alone; an existing folder is left alone."""
    write_bundle(small_bundle(), tmp_path / "model")
    model = tmp_path / "model"
    write_compound(COLD_START, "both", {"user_field": "user"}, {"model": model, "front": model}, tmp_path / "twice")
    with pytest.raises(BundleCorruptError, match="must be of the kind 'overrec'"):
        load_recommender(tmp_path / "twice")
    write_compound(COLD_START, "one", {}, {"model": model}, tmp_path / "alone")
    with pytest.raises(BundleCorruptError, match="the parts 'model' and 'front'"):
        load_recommender(tmp_path / "alone")
    with pytest.raises(BundleError, match="new folder"):
        write_compound(COLD_START, "one", {}, {"model": model}, tmp_path / "alone")


def test_histories_are_filtered_by_what_the_model_knows_of_items(combined: ColdStartRecommender) -> None:
    """Who the model does not know is answered by histories, and a filter of the model's item fields holds for these too."""
    request = RecommendRequest({"user": "eve", "history": ["m3"]}, filter='genres has "comedy"')
    assert {item.id for item in combined.recommend(request).items} == {"m1", "m2"}


def test_what_is_put_of_items_is_known_to_both() -> None:
    """Filters ask the cold-start model's items too; a new item is the trained model's alone."""
    both = ColdStartRecommender("both", GroupedRecommender(small_bundle()), OverRecRecommender(_cold_start_bundle()), "user")
    updates = both.item_updates
    assert updates is not None
    updates.describe({"m2": {"genres": ["sport"]}, "m9": {"genres": ["sport"]}}, 1)
    stranger = both.recommend(RecommendRequest({"user": "eve", "history": ["m1"]}, filter='genres has "sport"'))
    known = both.recommend(RecommendRequest({"user": "ada"}, filter='genres has "sport"'))

    assert ([item.id for item in stranger.items], sorted(item.id for item in known.items)) == (["m2"], ["m2", "m9"])
    assert (updates.revision, updates.item_fields, updates.shown("m9")) == (1, ("genres",), {"genres": ("sport",)})
