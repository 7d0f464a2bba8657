"""Ratios with their intervals, by hand, and the table."""

from __future__ import annotations

import math

import pytest

from ihas_pipelines.studies.overparameterisation.race import Outcome
from ihas_pipelines.studies.overparameterisation.table import Arm, RaceTable, markdown, ratio

pytestmark = pytest.mark.tf


def test_ratio_by_hand() -> None:
    """Ratios 1/2 and 2 have the geometric mean 1; with two seeds the interval is t(.975, 1) = 12.706 times ln 2 wide each way."""
    found = ratio([1.0, 4.0], [2.0, 2.0])
    assert found is not None
    assert found.difference == pytest.approx(1.0)
    assert math.log(found.high) == pytest.approx(12.7062 * math.log(2.0), rel=1e-4)
    assert found.low == pytest.approx(1.0 / found.high)


def test_ratio_needs_two_pairs() -> None:
    """Seeds where one of both never reached the target tell nothing of how much faster it is."""
    assert ratio([1.0, None, 3.0], [None, 2.0, 3.0]) is None


def test_table_says_who_did_not_reach() -> None:
    """A row for each arm; an arm that reached the target once in two seeds says so and has no ratio."""

    def arm(form: str, epochs: tuple[float | None, ...]) -> Arm:
        runs = [Outcome(learning_rate=0.5, seed=i, epochs=value, epoch_seconds=2.0, best=0.9) for i, value in enumerate(epochs)]
        return Arm(rule="sgd", start=1.0, form=form, tried=(runs[0],), outcomes=tuple(runs))

    table = RaceTable(
        name="toy", target=0.9, settings="", arms=(arm("none", (4.0, 4.0)), arm("scalar", (2.0, 2.0)), arm("matrix", (2.0, None)))
    )
    rows = markdown(table).splitlines()[-3:]
    assert rows[0] == "| sgd | plain | 0.5 | 2 of 2 | 4.00 |  |  | 0.9000 |  |"
    assert rows[1].startswith("| sgd | scalar | 0.5 | 2 of 2 | 2.00 | 0.50 (0.50 to 0.50) | 0.50 (0.50 to 0.50) | 0.9000 | +0.0000")
    assert rows[2].startswith("| sgd | matrix | 0.5 | 1 of 2 | 2.00 | not known | not known |")
