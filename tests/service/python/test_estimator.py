"""The estimator keeps scikit-learn's conventions, on real runs. They are carried out in this process, where TensorFlow is imported once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import ihas
from ihas_pipelines.kinds.model_kind import AnyRecipe
from ihas_pipelines.kinds.registry import kind_of_recipe
from ihas_service.python import fitting

pytestmark = pytest.mark.tf

QUICK: dict[str, Any] = {
    "training": {"embedding_dim": 4, "batch_size": 16, "learning_rate": 0.05, "embedding_l2": 1e-5, "epochs": 12},
    "distil": {"members": 0},
    "members": {"counts": [], "larger": []},
    "search": {"epochs": 1},
    "cluster": {"num_groups": [2], "on": ["masked"], "thresholds": [0.5]},
    "retrain": {"epochs": 1},
    "evaluate": {"controls": False},
}
CHECKS = list(estimator_checks_generator(ihas.ClickClassifier(learning=QUICK)))


def _here(recipe: AnyRecipe, folder: Path, _: bool | None) -> None:
    run = kind_of_recipe(recipe).run
    assert run is not None
    run(recipe, folder, lambda _: None)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run as that of a child, without the child's start."""
    monkeypatch.setattr(fitting, "carry_out", _here)


def _name(check: Any) -> str:
    named = getattr(check, "func", check)
    return "-".join([named.__name__, *map(str, getattr(check, "keywords", {}).values())])


def blobs(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Points of two clouds, of which one can be told from the other, and the names of the clouds."""
    points, number = make_blobs(n_samples=rows, centers=2, random_state=0)
    return points, np.array(["no", "yes"])[number]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("in_this_process")
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("check", [check for _, check in CHECKS], ids=[_name(check) for _, check in CHECKS])
def test_a_check_of_scikit_learn_passes(check: Callable[[Any], None]) -> None:
    """Every check of `check_estimator` that applies to binary classifiers; none is expected to fail."""
    check(ihas.ClickClassifier(learning=QUICK))


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_clouds_are_told_apart_under_cross_validation_and_in_a_pipeline() -> None:
    """Nine of ten held-out points get their cloud's name, of an array behind a scaler; labels are texts, in order."""
    points, names = blobs()
    pipeline = make_pipeline(StandardScaler(), ihas.ClickClassifier(learning=QUICK, random_state=0))
    assert cross_val_score(pipeline, points, names, cv=2).mean() > 0.85
    fitted = clone(pipeline).fit(points, names)[-1]
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.n_features_in_ == 2


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_a_data_frame_keeps_its_names_and_kinds() -> None:
    """Columns of texts are learnt from, the item is known, and another frame must have the same columns."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 10, 600), rng.integers(0, 4, 600)
    frame = pl.DataFrame({"user": [f"u{one}" for one in user], "item": np.array(list("abcd"))[item]})
    fitted = ihas.ClickClassifier(item_id="item", learning=QUICK, random_state=0).fit(frame, (user % 2 == item % 2).astype(int))
    assert fitted.feature_names_in_.tolist() == ["user", "item"]
    assert fitted.score(frame, (user % 2 == item % 2).astype(int)) > 0.9
    assert {one.id for one in fitted.model_.recommend({"user": "u3"}, k=2).items} == {"b", "d"}
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame.rename({"user": "who"}))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b", "c", "a"], "Only binary classification is supported. The type of the target is multiclass."),
        (["a", "a", "a", "a"], "Labels of two classes must occur, but got 1 class."),
    ],
)
def test_labels_that_are_not_two_classes_are_refused(labels: list[str], message: str) -> None:
    """Before anything runs, as the library's error and as a `ValueError`."""
    with pytest.raises(ihas.ConfigError, match=message):
        ihas.ClickClassifier().fit(np.zeros((4, 2)), np.array(labels))


def test_numbers_that_no_bucket_holds_are_refused() -> None:
    """Infinity, by scikit-learn's own check; NaN is a missing cell."""
    with pytest.raises(ValueError, match="contains infinity"):
        ihas.ClickClassifier().fit(np.array([[0.0], [np.inf]]), [0, 1])
