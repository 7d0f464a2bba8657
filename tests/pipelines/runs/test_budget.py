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
from ihas_pipelines.runs.budget import certify, choose_measured, choose_within
from ihas_pipelines.runs.latency import ServingCost
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
        ({"candidates_p99_ms": 5.0}, "teacher"),
        ({"candidates_p99_ms": 5.0, "multiply_adds": 999}, "grouped"),
        ({"candidates_p99_ms": 5.0, "parameters": 999}, "grouped"),
        ({"memory_bytes": 10**9}, "static"),
        ({"p99_ms": 9.0}, "static"),
    ],
)
def test_the_best_within_the_budget_serves(budget: dict[str, int], name: str) -> None:
    """By parameters and by groups; at the limit is within it, also where the base itself is over it; a control never serves.

    A teacher, which costs more by design, serves only where the budget says what a request may cost: in multiply-adds, or in milliseconds
    for its candidates.
    """
    assert choose_within(VARIANTS, parts(), BudgetConfig(**budget)).name == name


def test_a_budget_nothing_keeps_names_the_smallest() -> None:
    """With its size, so that one knows what to ask for."""
    with pytest.raises(BudgetError, match=r"the smallest, `static`, has 60 parameters"):
        choose_within(VARIANTS, parts(), BudgetConfig(parameters=59))


COSTS = {
    "static": ServingCost(memory_bytes=240, row_p99_us=10.0, candidates=500, candidates_p99_us=400.0),
    "grouped": ServingCost(memory_bytes=1_200, row_p99_us=60.0, candidates=500, candidates_p99_us=900.0),
    "teacher": ServingCost(memory_bytes=4_000, row_p99_us=30.0, candidates=500, candidates_p99_us=5_000.0),
}


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        ({"candidates_p99_ms": 5.0}, "teacher"),
        ({"candidates_p99_ms": 4.9}, "grouped"),
        ({"candidates_p99_ms": 0.9, "p99_ms": 0.06}, "grouped"),
        ({"candidates_p99_ms": 0.9, "p99_ms": 0.05}, "static"),
        ({"multiply_adds": 1000, "memory_bytes": 3_999}, "grouped"),
        ({"multiply_adds": 1000, "memory_bytes": 1_199}, "static"),
    ],
)
def test_what_misses_a_measured_limit_gives_way(budget: dict[str, float], name: str) -> None:
    """To the next best, which is measured then; at the limit is within it."""
    served, cost = choose_measured(VARIANTS, parts(), BudgetConfig.model_validate(budget), COSTS.__getitem__)

    assert (served.name, cost) == (name, COSTS[name])


def test_only_what_would_be_chosen_is_measured() -> None:
    """Without a measured limit that is one."""
    asked: list[str] = []

    def cost(name: str) -> ServingCost:
        asked.append(name)
        return COSTS[name]

    choose_measured(VARIANTS, parts(), BudgetConfig(), cost)
    assert asked == ["static"]


def test_a_measured_limit_that_nothing_keeps_is_named() -> None:
    """With its value and who missed it."""
    budget = BudgetConfig(p99_ms=0.5, multiply_adds=300)

    assert choose_within(VARIANTS, parts(), budget, ["grouped"]).name == "static"
    with pytest.raises(BudgetError, match="`budget.p99_ms` = 0.5 ms"):
        choose_within(VARIANTS, parts(), budget, ["grouped", "static", "base"])
    with pytest.raises(BudgetError, match=r"`budget.p99_ms` = 0.5 ms and `budget.memory_bytes` = 9 here: static did not"):
        choose_within(VARIANTS[1:2], parts(), BudgetConfig(p99_ms=0.5, memory_bytes=9), ["static"])


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


def test_measured_limits_are_certified_in_their_units() -> None:
    """Microseconds as milliseconds; the number of candidates is no limit."""
    budget = BudgetConfig(p99_ms=0.1, candidates_p99_ms=1.0, candidates=200, memory_bytes=2_000)

    assert [(one.limit, one.measured) for one in certify(budget, variant("grouped", None), 4.5, COSTS["grouped"])] == [
        ("p99_ms", 0.06), ("candidates_p99_ms", 0.9), ("memory_bytes", 1_200),
    ]  # fmt: skip


def test_a_limit_that_is_not_kept_fails_the_run() -> None:
    """With both numbers."""
    with pytest.raises(BudgetError, match=r"`wall_s <= 4` must hold, but the run measured 4.5"):
        certify(BudgetConfig(wall_s=4.0), variant("grouped", None), 4.5, None)
