"""What to do after a result follows from its interval, its rows and its epochs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.results import next_steps
from ihas.results.next_steps import more_rows, next_step, rows_to_tell
from ihas.results.run_result import EpochMetrics, Interval, VariantResult
from tests.pipelines.result_factory import variant

BASE = variant("base", None)


def interval(difference: float, half: float) -> Interval:
    """A symmetric interval."""
    return Interval(difference=difference, low=difference - half, high=difference + half)


def history(*aucs: float, model: str = "base") -> tuple[EpochMetrics, ...]:
    """Epochs with these AUCs."""
    return tuple(EpochMetrics(model=model, epoch=number, loss=0.5, auc=auc) for number, auc in enumerate(aucs, start=1))


def test_four_times_the_rows_halve_an_interval() -> None:
    """A difference of a half of its half width takes four times the rows; rounded up to two digits, never fewer than there are."""
    assert rows_to_tell(interval(0.01, 0.02), 1_268) == 5_100
    assert rows_to_tell(interval(-0.01, 0.02), 1_268) == 5_100
    assert rows_to_tell(interval(0.02, 0.01), 1_268) == 1_268
    assert rows_to_tell(interval(0.0, 0.01), 1_268) is None
    assert rows_to_tell(interval(0.1, 0.2), 0) is None


@given(st.floats(1e-4, 0.5), st.floats(1e-4, 0.5), st.integers(1, 10**7))
def test_with_so_many_rows_the_interval_leaves_out_zero(difference: float, half: float, rows: int) -> None:
    """Half widths that shrink with the root of the rows are then at most the difference."""
    needed = rows_to_tell(interval(difference, half), rows)
    assert needed is not None
    assert half * (rows / needed) ** 0.5 <= difference * (1.0 + 1e-9) or needed == rows


@pytest.mark.parametrize(
    ("chosen", "others", "said"),
    [
        (variant("grouped", (0.002, 0.006, 0.010)), (), next_steps.REPEAT),
        (variant("grouped", (-0.010, -0.006, -0.002)), (), next_steps.SPLIT),
        (variant("grouped", (-0.01, 0.01, 0.03)), (), "about 5,100 test rows, 1,268 now, would tell +0.0100 of `grouped` from chance"),
        (BASE, (variant("static", (-0.01, 0.01, 0.03)),), "about 5,100 test rows, 1,268 now, would tell +0.0100 of `static`"),
        (BASE, (variant("static", (0.002, 0.006, 0.010)),), next_steps.SPLIT),
        (BASE, (variant("static", (-0.03, -0.01, 0.01)),), next_steps.OTHER),
        (BASE, (variant("random groups", (0.002, 0.006, 0.010), "control"),), next_steps.OTHER),
    ],
)
def test_the_next_step_follows_from_the_gain(chosen: VariantResult, others: tuple[VariantResult, ...], said: str) -> None:
    """Repeat what gained, look at the split where test rows contradict, collect rows where chance explains it, else other columns."""
    step = next_step(chosen, BASE, (BASE, chosen, *others), history(0.7, 0.74, 0.73), 60)
    assert said in step
    assert step.startswith("Next: ")


def test_a_training_that_was_cut_short_is_to_be_longer() -> None:
    """Where the best epoch of the plain model, under whichever weight, is the last one allowed; an only epoch says nothing."""
    gained = variant("grouped", (0.002, 0.006, 0.010))
    cut = history(0.70, 0.71, 0.72)
    assert next_step(gained, BASE, (BASE, gained), cut, 3) == next_steps.LONGER
    assert next_step(gained, BASE, (BASE, gained), history(0.70, 0.71, 0.72, model="base/l2=1.0e-03/rate=1.0e-03"), 3) == next_steps.LONGER
    assert next_step(gained, BASE, (BASE, gained), cut, 4) == next_steps.REPEAT
    assert next_step(gained, BASE, (BASE, gained), history(0.7, model="search"), 1) == next_steps.REPEAT


def test_nothing_is_said_of_a_model_no_better_than_chance() -> None:
    """The verdict says it there; where test rows have one label, other rows are needed."""
    chance = BASE.model_copy(update={"test": BASE.test.model_copy(update={"auc": 0.51})})
    assert next_step(chance, chance, (chance,), (), 60) == ""
    unknown = BASE.model_copy(update={"test": BASE.test.model_copy(update={"auc": None})})
    assert next_step(unknown, unknown, (unknown,), (), 60) == next_steps.LABELS
    assert more_rows("x", interval(0.0, 0.01), 100, "Next: other.") == "Next: other."
