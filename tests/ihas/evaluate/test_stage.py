"""Choice and verdict, on figures made by hand."""

from __future__ import annotations

import numpy as np

from ihas.data.dataset import Dataset, Parts
from ihas.evaluate.stage import choose, not_told_apart, variant_results, verdict
from ihas.evaluate.variants import Variant
from ihas.layout import FieldLayout
from ihas.results import Cost

COST = Cost(parameters_per_path=10, parameters_total=20, multiply_adds=30, kept_dims=4)
LABELS = np.array([0, 0, 1, 1], np.float32)
RIGHT, ONE_SWAP, WRONG = (np.array(logits, np.float32) for logits in ([-2, -1, 1, 2], [-2, 1, -1, 2], [2, 1, -1, -2]))


def _parts() -> Parts:
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((4, 1), np.int32), LABELS)
    return Parts(rows, rows, rows)


def _variant(name: str, valid: np.ndarray, test: np.ndarray) -> Variant:
    return Variant(name, (), False, valid, test, COST)


def test_figures_are_pooled_and_worked_by_hand():
    """Of the four pairs of a click and a non-click one is in the wrong order: AUC 3/4."""
    base, static = variant_results((_variant("base", RIGHT, ONE_SWAP), _variant("static", RIGHT, RIGHT)), _parts())

    assert base.valid.auc == 1.0
    assert base.test.auc == 0.75
    assert base.gain is None
    assert static.gain is not None
    assert static.gain.difference == 0.25


def test_validation_chooses_and_test_rows_have_no_say():
    """The variant that is best on validation rows is chosen although another is best on test rows."""
    results = variant_results((_variant("base", ONE_SWAP, RIGHT), _variant("supernet", RIGHT, WRONG)), _parts())

    assert choose(results).name == "supernet"


def test_of_equals_the_simpler_is_chosen():
    """The order of the candidates is that of their simplicity."""
    results = variant_results((_variant("base", RIGHT, RIGHT), _variant("grouped", RIGHT, RIGHT)), _parts())

    assert choose(results).name == "base"


def test_a_control_is_never_chosen():
    """Random groups are there to compare, whatever their figures."""
    results = variant_results((_variant("base", ONE_SWAP, ONE_SWAP), _variant("random groups", RIGHT, RIGHT)), _parts())

    assert results[1].role == "control"
    assert choose(results).name == "base"


def test_the_verdict_says_when_no_search_is_worth_it():
    """The plain model won: the sentence says so."""
    base = variant_results((_variant("base", RIGHT, RIGHT),), _parts())[0]

    assert verdict(base, base, 8).startswith("No search is worth it here")


def test_the_verdict_shows_gain_interval_and_dimensions():
    """A searched variant won: the sentence has both AUCs, the gain and what a row reads."""
    base, static = variant_results((_variant("base", RIGHT, ONE_SWAP), _variant("static", RIGHT, RIGHT)), _parts())

    text = verdict(static, base, 8)

    assert "1.0000 against 0.7500" in text
    assert "+0.2500" in text
    assert "4 of 8" in text


def test_the_verdict_names_what_the_test_rows_do_not_tell_apart():
    """With four rows nothing is told apart, so a control with the same scores is named."""
    variants = (_variant("base", RIGHT, ONE_SWAP), _variant("grouped", RIGHT, RIGHT), _variant("random groups", RIGHT, RIGHT))
    results = variant_results(variants, _parts())

    equals = not_told_apart(variants[1], variants, _parts())

    assert "random groups" in equals
    assert "do not tell it apart from `random groups`." in verdict(results[1], results[0], 8, equals)


def test_a_plain_model_no_better_than_chance_is_no_verdict_on_the_search():
    """A base that ranks at random says that training failed, not that no search is worth it."""
    base = variant_results((_variant("base", RIGHT, np.array([1, 0, 1, 0], np.float32)),), _parts())[0]

    assert base.test.auc == 0.5
    assert verdict(base, base, 8).startswith("The plain model hardly ranks better than chance")
