"""Two searches side by side."""

from __future__ import annotations

import pytest

from ihas.results.run_result import RunResult
from ihas_service.http.examples.searches import RESULT
from ihas_service.models.comparison import compare, flat


def test_settings_that_differ_and_figures_in_pairs() -> None:
    """The seed and an epoch differ, the AUC by .01: that is said and nothing else."""
    first = RunResult.model_validate(RESULT)
    better = first.variants[0].test.model_copy(update={"auc": 0.7887})
    learning = first.learning.with_training(epochs=3).model_copy(update={"seed": 2})
    second = first.model_copy(update={"variants": (first.variants[0].model_copy(update={"test": better}),), "learning": learning})
    found = compare(("sr_1", "sr_2"), (first, second), same_data=True)

    assert {(one.setting, one.first, one.second) for one in found.settings} == {("seed", 1, 2), ("training.epochs", 60, 3)}
    figures = {one.figure: one.difference for one in found.figures}
    assert figures["test.auc"] == pytest.approx(0.01)
    assert {name: value for name, value in figures.items() if value} == {"test.auc": figures["test.auc"]}


def test_a_missing_figure_has_no_difference() -> None:
    """Test rows of one label have no AUC."""
    first = RunResult.model_validate(RESULT)
    none = first.variants[0].model_copy(update={"test": first.variants[0].test.model_copy(update={"auc": None})})
    found = compare(("sr_1", "sr_2"), (first, first.model_copy(update={"variants": (none,)})), same_data=False)

    assert next(one for one in found.figures if one.figure == "test.auc").difference is None


def test_settings_are_named_group_by_group() -> None:
    """As `ihas search --set` takes them."""
    assert flat({"seed": 1, "training": {"epochs": 3, "deep": {"er": None}}}) == {"seed": 1, "training.epochs": 3, "training.deep.er": None}
