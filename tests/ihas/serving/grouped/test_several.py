"""Answers of a bundle with two labels, by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ihas.bundle import contents
from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.manifest import FORMAT_VERSION, WITHOUT_SUMS, read_manifest
from ihas.bundle.validation import check_bundle
from ihas.bundle.values import Bundle
from ihas.data.schema import Schema
from ihas.errors import BundleCorruptError
from ihas.serving.answers import RecommendRequest, Scored
from ihas.serving.grouped.fallback import checked
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.grouped.several import joint_log_odds
from ihas.serving.ranking import probabilities
from tests.ihas.bundle_factory import TASKS, bundle_with_tasks, rows, small_bundle


def _p(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


EXPECTED = {user: {movie: (_p(click), _p(bought / 2)) for movie, (click, bought) in of.items()} for user, of in TASKS.items()}
"""Probability of a click and of a purchase, whose calibration halves the log-odds."""


def test_rows_have_both_probabilities_and_their_product() -> None:
    """To the exponents; the logit is that of the score. A bundle with one label has none in its JSON."""
    scored = GroupedRecommender(bundle_with_tasks()).score(rows())
    expected = [pair for movies in EXPECTED.values() for pair in movies.values()]
    for one, (click, bought) in zip(scored, expected, strict=True):
        assert one.scores == pytest.approx({"click": click, "bought": bought}, abs=1e-6)
        assert one.score == pytest.approx(click * bought**2, abs=1e-6)
        assert one.logit == pytest.approx(math.log(one.score / (1.0 - one.score)), abs=1e-6)
    assert b"scores" not in msgspec.json.encode(GroupedRecommender(small_bundle()).score(rows()[:1])[0])
    assert b"scores" not in msgspec.json.encode(Scored(0.5, 0.0, 0, ()))


def test_explained_rows_have_them_too() -> None:
    """The explanation is of the first label."""
    (one,) = GroupedRecommender(bundle_with_tasks()).score(rows()[:1], explain=True)
    assert one.scores == pytest.approx(dict(zip(("click", "bought"), EXPECTED["ada"]["m1"], strict=True)), abs=1e-6)
    assert one.explanation is not None
    assert one.explanation.path == "base"


@pytest.mark.parametrize("user", TASKS)
def test_items_stand_in_the_order_of_the_formula(user: str) -> None:
    """Which is not the order of clicks."""
    items = GroupedRecommender(bundle_with_tasks()).recommend(RecommendRequest(context={"user": user})).items
    products = {movie: click * bought**2 for movie, (click, bought) in EXPECTED[user].items()}
    assert [item.id for item in items] == sorted(products, key=products.__getitem__, reverse=True) == ["m2", "m3", "m1"]
    assert {item.id: item.score for item in items} == pytest.approx(products, abs=1e-6)
    assert {item.id: item.scores for item in items} == {
        movie: pytest.approx({"click": click, "bought": bought}, abs=1e-6) for movie, (click, bought) in EXPECTED[user].items()
    }


def test_without_exponents_the_first_label_ranks() -> None:
    """The score is its probability, to the bit."""
    bundle = bundle_with_tasks()
    tasks = {"bought": bundle.schema.tasks["bought"].model_copy(update={"exponent": 0.0})}
    plain = dataclasses.replace(bundle, schema=bundle.schema.model_copy(update={"tasks": tasks}))
    items = GroupedRecommender(plain).recommend(RecommendRequest(context={"user": "ada"})).items
    assert [item.id for item in items] == ["m1", "m2", "m3"]
    assert all(isinstance(item.scores, dict) and item.score == item.scores["click"] for item in items)
    assert [one.score for one in GroupedRecommender(plain).score(rows())] == probabilities(bundle.golden.logits).tolist()


def test_log_odds_of_a_product() -> None:
    """Of two halves a quarter; of one probability to the power 1 itself; finite, and in order, where every probability is nearly 1 or 0."""
    half = np.zeros((2, 1))
    assert probabilities(joint_log_odds(half, np.ones(2)))[0] == pytest.approx(0.25)
    assert joint_log_odds(np.array([[0.3], [5.0]]), np.array([0.0, 1.0]))[0] == pytest.approx(5.0)
    far = joint_log_odds(np.array([[-2000.0, -800.0, 0.0, 30.0, 800.0]] * 2), np.array([1.0, 2.0]))
    assert np.isfinite(far).all()
    assert (np.diff(far) > 0.0).all()
    assert ((probabilities(far) > 0.0) & (probabilities(far) < 1.0)).all()


def test_a_bundle_with_tasks_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Form 6, one table for both; others stay of their form."""
    write_bundle(bundle_with_tasks(), tmp_path / "several")
    write_bundle(small_bundle(), tmp_path / "one")
    manifest, found = read_manifest(tmp_path / "several"), read_bundle(tmp_path / "several")
    assert (manifest.version, read_manifest(tmp_path / "one").version) == (FORMAT_VERSION, WITHOUT_SUMS)
    assert len({entry.table for entry in manifest.paths}) == 1
    assert found.schema.exponents == {"click": 1.0, "bought": 2.0}
    (task,), (written,) = found.tasks, bundle_with_tasks().tasks
    assert (task.name, task.model) == ("bought", 1)
    np.testing.assert_array_equal(task.golden, written.golden)
    assert task.calibration is not None
    np.testing.assert_array_equal(task.calibration.log_odds, [-15.0, 15.0])
    assert checked(found, {}).score(rows()) == GroupedRecommender(bundle_with_tasks()).score(rows())


def test_a_further_label_must_score_its_golden_rows() -> None:
    """As the first one must."""
    bundle = bundle_with_tasks()
    (task,) = bundle.tasks
    wrong = dataclasses.replace(bundle, tasks=(dataclasses.replace(task, golden=task.golden + np.float32(0.1)),))
    with pytest.raises(BundleCorruptError, match="Golden rows must score as recorded"):
        checked(wrong, {})


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"tasks": ()}, "labels answered must be those of schema.json, bought"),
        ({"model_of_group": (1,)}, "must have one group, whose model is the first"),
        ({"model": 0}, "must have a model of its own"),
        ({"golden": np.zeros(2, np.float32)}, "golden logits of `bought`"),
    ],
)
def test_parts_that_do_not_fit_are_told(change: dict[str, object], law: str) -> None:
    """Each broken law in words."""
    bundle = bundle_with_tasks()
    whole = {name: value for name, value in change.items() if name in {field.name for field in dataclasses.fields(Bundle)} - {"golden"}}
    own = {name: value for name, value in change.items() if name not in whole}
    tasks = (dataclasses.replace(bundle.tasks[0], **own),)  # type: ignore[arg-type]
    with pytest.raises(BundleCorruptError, match=law):
        check_bundle(dataclasses.replace(bundle, **{"tasks": tasks, **whole}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"paths": np.ones(1, np.float64)}, r"`paths` must be int32 \(tasks,\), but is float64 \(1,\)"),
        ({"paths": np.ones((1, 1), np.int32)}, r"but is int32 \(1, 1\)"),
        ({"paths": np.array([-1], np.int32)}, "must have a model of its own"),
        ({"paths": np.ones(2, np.int32)}, "`tasks.safetensors`, .* cannot be read"),
        ({"paths": None}, "`tasks.safetensors`, .* cannot be read: 'paths'"),
        ({"golden-0": None}, "`tasks.safetensors`, .* cannot be read"),
        ({"golden-1": np.zeros(6, np.float32)}, "`tasks.safetensors`, .* cannot be read"),
        ({"golden-0": np.full(6, np.nan, np.float32)}, "golden logits of `bought` must hold finite numbers"),
        ({"logits-0": None}, "cannot be read: 'logits-0'"),
        ({"log-odds-0": None}, "cannot be read: 'log-odds-0'"),
        ({"log-odds-0": np.array([np.nan, 1.0])}, "of `bought`, the knots of the calibration must be finite"),
        ({"log-odds-0": np.array([1.0, 0.0])}, "of `bought`, the knots .* never fall"),
    ],
)
def test_a_hostile_file_of_labels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, np.ndarray | None], law: str
) -> None:
    """Tensors that lack, are too many, or of another type or shape, in a bundle whose digests are right."""
    bundle = bundle_with_tasks()
    arrays = {name: value for name, value in {**contents._task_arrays(bundle.tasks), **change}.items() if value is not None}
    monkeypatch.setattr(contents, "_task_arrays", lambda _: arrays)
    write_bundle(bundle, tmp_path / "bundle")
    with pytest.raises(BundleCorruptError, match=law):
        read_bundle(tmp_path / "bundle")


def test_an_exponent_has_a_limit() -> None:
    """Also in a bundle's own schema: beyond it scores have no finite logarithm."""
    document = bundle_with_tasks().schema.model_dump(mode="json")
    with pytest.raises(ValueError, match="exponent"):
        Schema.model_validate({**document, "exponent": 1e308})
