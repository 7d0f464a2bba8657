"""The choice, on figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.data.row_keys import RowKeys
from ihas.metrics import auc_difference
from ihas.results.run_result import Cost
from ihas.stages.evaluate.stage import choose, is_candidate, variant_results
from ihas.stages.evaluate.variants import Variant

pytestmark = pytest.mark.tf

COST = Cost(parameters_per_path=10, parameters_total=20, multiply_adds=30, kept_dims=4)
LABELS = np.array([0, 0, 1, 1], np.float32)
RIGHT, ONE_SWAP, WRONG = (np.array(logits, np.float32) for logits in ([-2, -1, 1, 2], [-2, 1, -1, 2], [2, 1, -1, -2]))


def _parts() -> Splits:
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((4, 1), np.int32), LABELS)
    return Splits(rows, rows, rows)


def _variant(name: str, valid: np.ndarray, test: np.ndarray) -> Variant:
    return Variant(name, (), False, valid, test, COST, LearningConfig())


def test_figures_are_pooled_and_worked_by_hand():
    """Of the four pairs of a click and a non-click one is in the wrong order: AUC 3/4."""
    base, static = variant_results((_variant("base", RIGHT, ONE_SWAP), _variant("static", RIGHT, RIGHT)), _parts())

    assert base.valid.auc == 1.0
    assert base.test.auc == 0.75
    assert base.gain is None
    assert static.gain is not None
    assert static.gain.difference == 0.25


RNG = np.random.default_rng(5)
MANY = (RNG.random(4_000) < 0.5).astype(np.float32)
NOISE = RNG.normal(size=(3, 4_000)).astype(np.float32)


def _many_parts() -> Splits:
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((len(MANY), 1), np.int32), MANY)
    return Splits(rows, rows, rows)


def _ranking(signal: float, noise: int) -> np.ndarray:
    """Logits whose AUC grows with the signal: AUC = Phi(signal / sqrt 2)."""
    return signal * MANY + NOISE[noise]


def test_validation_chooses_and_test_rows_have_no_say():
    """The variant that is far better on validation rows is chosen although another is best on test rows."""
    variants = (_variant("base", _ranking(0.5, 0), _ranking(3.0, 0)), _variant("supernet", _ranking(1.0, 1), _ranking(0.1, 1)))

    assert choose(variants, _many_parts()).name == "supernet"


def test_a_ranking_whose_probabilities_are_worse_is_not_chosen():
    """Of 40,000 rows 200 are told surely, half of them wrongly: the AUC is higher, .928 to .922, and so is the log-loss, .40 to .35.

    No line takes the sureness from a few rows without taking it from all. Without these rows the same variant is chosen.
    """
    rng = np.random.default_rng(3)
    labels = (rng.random(40_000) < 0.5).astype(np.float32)
    signs, noise = 2.0 * labels - 1.0, rng.normal(size=40_000)
    base, right = 2.0 * (signs + noise), 2.0 * (1.05 * signs + noise)
    sure = right.copy()
    sure[-200:] = np.where(rng.random(200) < 0.5, 30.0, -30.0)
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((len(labels), 1), np.int32), labels)
    parts = Splits(rows, rows, rows)

    assert auc_difference(sure, base, labels).low > 0.0
    assert choose((_variant("base", base, base), _variant("static", sure, sure)), parts).name == "base"
    assert choose((_variant("base", base, base), _variant("static", right, right)), parts).name == "static"


def test_of_equals_the_base_is_chosen():
    """A candidate that scores as the base does is no reason to leave it."""
    variants = (_variant("base", RIGHT, RIGHT), _variant("grouped", RIGHT, RIGHT))

    assert choose(variants, _parts()).name == "base"


def test_what_chance_explains_does_not_displace_the_base():
    """A variant that is ahead by less than the 80 % interval of the paired difference is not chosen; one well ahead is."""
    parts, base = _many_parts(), _variant("base", _ranking(1.0, 0), RIGHT)
    hardly, clearly = (_variant("grouped", _ranking(signal, 1), RIGHT) for signal in (1.1, 1.3))
    ahead = auc_difference(hardly.valid_logits, base.valid_logits, MANY, confidence=0.8)

    assert ahead.difference > 0.0 > ahead.low
    assert choose((base, hardly), parts).name == "base"
    assert choose((base, clearly), parts).name == "grouped"


def test_the_smallest_of_those_within_a_standard_error_of_the_best_is_chosen():
    """A static mask at half the cost wins where it scores as the best does, and not where it scores clearly less."""
    parts, base, distilled = _many_parts(), _variant("base", _ranking(0.2, 0), RIGHT), _variant("distilled", _ranking(1.0, 1), RIGHT)
    small = COST.model_copy(update={"multiply_adds": 15})
    same, worse = (
        Variant("static", (), False, logits, RIGHT, small, LearningConfig())
        for logits in (_ranking(1.0, 1) + 0.05 * NOISE[2], _ranking(0.6, 1))
    )

    assert choose((base, distilled, same), parts).name == "static"
    assert choose((base, distilled, worse), parts).name == "distilled"


def test_a_small_candidate_whose_probabilities_are_worse_than_the_best_ones_is_not_one_of_the_best():
    """A mask at half the cost ranks as the best does, on noise of its own, and 200 of its 40,000 rows are told surely, half wrongly:
    log-loss tells them apart where AUC does not. With the best one's own answers it is chosen."""
    rng = np.random.default_rng(3)
    labels = (rng.random(40_000) < 0.5).astype(np.float32)
    signs = 2.0 * labels - 1.0
    base, best, right = (2.0 * (signal * signs + rng.normal(size=40_000)) for signal in (0.9, 1.05, 1.05))
    sure = 2.0 * 0.03 * signs + right
    sure[-200:] = np.where(rng.random(200) < 0.5, 30.0, -30.0)
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((len(labels), 1), np.int32), labels)
    parts, small = Splits(rows, rows, rows), COST.model_copy(update={"multiply_adds": 15})
    others = (_variant("base", base, base), _variant("distilled", best, best))

    assert auc_difference(best, sure, labels, confidence=0.6827).low < 0.0
    for logits, chosen in ((sure, "distilled"), (best, "static")):
        assert choose((*others, Variant("static", (), False, logits, logits, small, LearningConfig())), parts).name == chosen


def test_of_those_that_cost_as_much_the_fewest_stored_parameters_win():
    """Costs within 5 % are equal: groups at 29 multiply-adds and 40 parameters lose to a mask at 30 and 20, and win at 28."""
    parts, base, mask = _many_parts(), _variant("base", _ranking(0.2, 0), RIGHT), _variant("static", _ranking(1.0, 1), RIGHT)
    for adds, chosen in ((29, "static"), (28, "grouped"), (31, "static")):
        cost = COST.model_copy(update={"multiply_adds": adds, "parameters_total": 40})
        assert choose((base, mask, Variant("grouped", (), False, mask.valid_logits, RIGHT, cost, LearningConfig())), parts).name == chosen


def test_a_small_candidate_that_does_not_beat_the_base_itself_is_not_chosen():
    """Cheap and within a standard error of the best, but not told from the base: the best is served."""
    parts, base = _many_parts(), _variant("base", _ranking(1.0, 0), RIGHT)
    best = _variant("grouped", _ranking(1.1, 0), RIGHT)
    cheap = Variant("static", (), False, _ranking(1.13, 1), RIGHT, COST.model_copy(update={"multiply_adds": 15}), LearningConfig())
    to_best = auc_difference(best.valid_logits, cheap.valid_logits, MANY, confidence=0.6827)
    to_base = auc_difference(cheap.valid_logits, base.valid_logits, MANY, confidence=0.8)

    assert to_best.low < 0.0
    assert to_base.low < 0.0
    assert choose((base, cheap, best), parts).name == "grouped"


def test_a_control_is_never_chosen():
    """Random groups are there to compare, whatever their figures; the teacher and more members wait for a larger budget."""
    variants = (_variant("base", _ranking(0.2, 0), NOISE[2]), _variant("random groups", _ranking(3.0, 0), NOISE[2]))
    variants += (_variant("teacher", _ranking(3.0, 0), NOISE[2]),)

    assert [result.role for result in variant_results(variants, _many_parts())] == ["candidate", "control", "candidate"]
    assert [is_candidate(name, larger=False) for name in ("members", "random groups", "teacher", "members x2")] == [True, *[False] * 3]
    assert [is_candidate(name, larger=True) for name in ("members", "random groups", "teacher", "members x2")] == [True, False, True, True]


def test_metrics_per_user_where_users_are_known():
    """Pooled, one pair of four is out of order; within each user's pair of rows, one user's is."""
    keys = {"test": RowKeys(np.array([0, 1, 1, 0]), np.full(4, -1))}
    (base,) = variant_results((_variant("base", RIGHT, ONE_SWAP),), _parts(), keys)

    assert base.test.auc == 0.75
    assert base.test.user_auc == 0.5
    assert base.valid.user_auc is None
