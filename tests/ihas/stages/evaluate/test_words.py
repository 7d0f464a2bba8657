"""What is said of a choice, on figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.config.negatives import NegativesConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.results.run_result import CatalogueRanking, Cost
from ihas.stages.evaluate.stage import not_told_apart, variant_results
from ihas.stages.evaluate.variants import Variant
from ihas.stages.evaluate.words import negatives_words, verdict
from tests.pipelines.result_factory import variant

pytestmark = pytest.mark.tf

COST = Cost(parameters_per_path=10, parameters_total=20, multiply_adds=30, kept_dims=4)
LABELS = np.array([0, 0, 1, 1], np.float32)
RIGHT, ONE_SWAP = (np.array(logits, np.float32) for logits in ([-2, -1, 1, 2], [-2, 1, -1, 2]))


def _parts() -> Splits:
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((4, 1), np.int32), LABELS)
    return Splits(rows, rows, rows)


def _variant(name: str, valid: np.ndarray, test: np.ndarray) -> Variant:
    return Variant(name, (), False, valid, test, COST, LearningConfig())


def test_the_verdict_says_when_no_search_is_worth_it():
    """The plain model won, and no test row contradicts: a gain within chance, and one of a control, which may not serve."""
    base = variant("base", None)
    others = (variant("static", (-0.01, 0.002, 0.014)), variant("random groups", (0.01, 0.02, 0.03), "control"))

    assert verdict(base, base, 8, (), (base, *others)).startswith("No search is worth it here: validation rows do not show")


def test_no_verdict_stands_against_a_gain_that_the_rows_show():
    """Test rows tell a candidate from the plain model, which validation rows chose: the gain is told with its interval."""
    base = variant("base", None)
    found = verdict(base, base, 8, (), (base, variant("static", (0.001, 0.004, 0.007)), variant("grouped", (0.002, 0.006, 0.010))))

    assert found.startswith("Validation rows do not show that any other variant beats the plain model (test AUC 0.7481)")
    assert "worth it" not in found
    assert found.endswith("show a gain of `grouped`: +0.0060, 95 % interval +0.0020 to +0.0100.")


@pytest.mark.parametrize("name", ["static", "distilled", "grouped"])
def test_no_choice_is_said_to_be_not_worth_it(name: str):
    """Whatever was chosen may gain more than chance explains, so the sentence says what it is and what was not needed."""
    base, chosen = variant("base", None), variant(name, (0.002, 0.006, 0.010))
    found = verdict(chosen, base, 8)

    assert found.startswith(f"`{name}`")
    assert "worth it" not in found
    assert "more than chance explains" in found


def test_the_verdict_shows_gain_interval_and_dimensions():
    """A searched variant won: the sentence has both AUCs, the gain and what a row reads."""
    base, static = variant_results((_variant("base", RIGHT, ONE_SWAP), _variant("static", RIGHT, RIGHT)), _parts())

    text = verdict(static, base, 8)

    assert "1.0000 against 0.7500" in text
    assert "+0.2500" in text
    assert "4 of 8" in text


def test_the_verdict_of_a_wider_model_names_both_widths():
    """A teacher reads more dimensions than the plain model has."""
    variants = (_variant("base", RIGHT, ONE_SWAP), _variant("teacher", RIGHT, RIGHT))
    base, teacher = variant_results(variants, _parts())
    wide = teacher.model_copy(update={"cost": COST.model_copy(update={"kept_dims": 16, "multiply_adds": 60})})

    words = "A row reads 16 embedding dimensions, the plain model 8; it costs 2.0 times the base's multiply-adds."
    assert words in verdict(wide, base, 8)


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


def test_the_verdict_says_what_drawn_negatives_mean():
    """Nothing of clicks; of drawn ones what AUC is of, and the ranking of all items where it was measured."""
    drawn = NegativesConfig(per_positive=3, draw="popularity")
    found = {"items": 500, "rows": 9, "unknown_items": 0, "numbers": (10, 50), "recall": (0.25, 0.5), "ndcg": (0.1, 0.2)}

    assert negatives_words(None, None) == ""
    assert "3 for each positive, by popularity: AUC tells items taken from items drawn" in negatives_words(drawn, None)
    words = negatives_words(drawn, CatalogueRanking(**found, popularity_recall=(0.125, 0.25)))
    assert words.endswith("25.0% of the items that users took are among the first 10 of 500 (12.5% by popularity).")
