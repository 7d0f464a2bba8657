"""What a run must keep within, on variants made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.budget import BudgetConfig
from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.errors import BudgetError
from ihas.models.prediction import GroupModel
from ihas.results.run_result import Certificate, Cost
from ihas.stages.evaluate.variants import Variant
from pipelines.runs.budget import certify, choose_within, p99_ms
from tests.ihas.bundle_factory import small_bundle
from tests.pipelines.result_factory import variant

pytestmark = pytest.mark.tf

RNG = np.random.default_rng(5)
CLICKS = (RNG.random(4_000) < 0.5).astype(np.float32)
NOISE = RNG.normal(size=(3, 4_000)).astype(np.float32)
GROUP = GroupModel.__new__(GroupModel)


def parts() -> Splits:
    """Rows whose clicks are known."""
    rows = Dataset(FieldLayout(("f",), (2,), (1,)), np.zeros((len(CLICKS), 1), np.int32), CLICKS)
    return Splits(rows, rows, rows)


def made(name: str, parameters: int, signal: float, groups: int = 1) -> Variant:
    """A variant with a size, a number of groups, and an AUC that grows with the signal."""
    logits = signal * CLICKS + NOISE[len(name) % 3]
    cost = Cost(parameters_per_path=parameters, parameters_total=parameters, multiply_adds=parameters, kept_dims=4)
    return Variant(name, (GROUP,) * groups, False, logits, logits, cost, LearningConfig())


VARIANTS = (
    made("base", 100, 1.0), made("static", 60, 2.0), made("grouped", 300, 4.0, groups=3), made("teacher", 1000, 9.0),
    made("random groups", 10, 9.0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        ({}, "static"),
        ({"multiply_adds": 300}, "grouped"),
        ({"parameters": 100}, "static"),
        ({"groups": 2}, "static"),
        ({"parameters": 60}, "static"),
        ({"parameters": 300, "multiply_adds": 300}, "grouped"),
        ({"multiply_adds": 100}, "static"),
        ({"multiply_adds": 999}, "grouped"),
        ({"multiply_adds": 1000}, "teacher"),
    ],
)
def test_the_best_within_the_budget_serves(budget: dict[str, int], name: str) -> None:
    """By parameters and by groups; at the limit is within it, also where the base itself is over it; a control never serves.

    A teacher, which costs more by design, serves only where the budget's multiply-adds admit it.
    """
    assert choose_within(VARIANTS, parts(), BudgetConfig(**budget)).name == name


def test_a_budget_nothing_keeps_names_the_smallest() -> None:
    """With its size, so that one knows what to ask for."""
    with pytest.raises(BudgetError, match=r"the smallest, `static`, has 60 parameters"):
        choose_within(VARIANTS, parts(), BudgetConfig(parameters=59))


def test_a_variant_that_was_too_slow_gives_way() -> None:
    """To the next best; when all were, the budget names the limit."""
    budget = BudgetConfig(p99_ms=0.5, multiply_adds=300)

    assert choose_within(VARIANTS, parts(), budget, ["grouped"]).name == "static"
    with pytest.raises(BudgetError, match="`budget.p99_ms` = 0.5 ms"):
        choose_within(VARIANTS, parts(), budget, ["grouped", "static", "base"])


def test_every_limit_is_certified() -> None:
    """Each with the limit, the measurement and the verdict; without limits there is nothing to certify."""
    served = variant("grouped", (0.0, 0.01, 0.02))
    total = served.cost.parameters_total
    certificates = certify(BudgetConfig(wall_s=9.0, parameters=total, groups=3), served, 4.5, None)

    assert certificates == (
        Certificate(limit="wall_s", at_most=9.0, measured=4.5, met=True),
        Certificate(limit="parameters", at_most=total, measured=total, met=True),
        Certificate(limit="groups", at_most=3, measured=3, met=True),
    )
    assert certify(BudgetConfig(), served, 4.5, None) == ()


def test_a_limit_that_is_not_kept_fails_the_run() -> None:
    """With both numbers."""
    with pytest.raises(BudgetError, match=r"`wall_s <= 4` must hold, but the run measured 4.5"):
        certify(BudgetConfig(wall_s=4.0), variant("grouped", None), 4.5, None)


def test_the_slowest_of_a_hundred_is_measured_on_the_bundle() -> None:
    """A small bundle scores a row in less than a tenth of a second, and not in no time."""
    assert 0.0 < p99_ms(small_bundle()) < 100.0
