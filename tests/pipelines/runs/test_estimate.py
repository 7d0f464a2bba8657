"""What a search would take, told from small ones."""

from __future__ import annotations

import pytest

from ihas.results.run_result import Interval
from ihas_pipelines.runs.estimate import advice, estimate, seconds
from ihas_pipelines.runs.progress import Progress
from tests.pipelines.result_factory import run_result, variant
from tests.pipelines.small_run import small_recipe

pytestmark = pytest.mark.tf


def test_time_follows_the_curve_through_the_pilots() -> None:
    """1 s at 1,000 rows and 2 s at 4,000: the square root; 16,000 rows take 4 s by it and 8 s in proportion."""
    assert seconds(16_000, (1_000, 4_000), [1.0, 2.0]) == pytest.approx((4.0, 8.0))


def test_time_never_grows_faster_than_rows_nor_falls() -> None:
    """A pilot that a busy machine slowed down bends the curve no further than that."""
    assert seconds(16_000, (1_000, 4_000), [1.0, 40.0]) == pytest.approx((160.0, 160.0))
    assert seconds(16_000, (1_000, 4_000), [9.0, 2.0]) == pytest.approx((2.0, 8.0))


def test_a_table_no_larger_than_a_pilot_takes_as_long_as_that() -> None:
    """There is nothing to extrapolate."""
    assert seconds(900, (900,), [3.0]) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("chosen", "gain", "said"),
    [
        ("base", None, "nothing beat the plain model"),
        ("static", (0.002, 0.01, 0.02), "likely worth it"),
        ("static", (-0.01, 0.01, 0.03), "within chance"),
    ],
)
def test_advice_says_what_the_pilot_showed(chosen: str, gain: tuple[float, float, float] | None, said: str) -> None:
    """Nothing, a gain beyond chance, or one within it."""
    variants = (variant("base", None), variant("static", gain or (0.0, 0.0, 0.0)))

    assert said in advice(run_result().model_copy(update={"chosen": chosen, "variants": variants}))


@pytest.mark.slow
def test_an_estimate_of_a_real_table(tmp_path) -> None:
    """On the coupon data: both pilots ran, the range is ordered, progress only grows, and only the document is left."""
    said: list[Progress] = []
    found = estimate(small_recipe(), tmp_path / "estimate", said.append)

    assert (found.rows, found.pilot_rows) == (10_142, (1_000, 4_000))
    assert 0.0 < found.seconds_low <= found.seconds_high
    assert found.memory_bytes > 10**8
    assert [one.fraction for one in said] == sorted(one.fraction for one in said)
    assert {path.name for path in (tmp_path / "estimate").iterdir() if path.name[0] != "."} == {"estimate.json"}
    assert found.gain is None or isinstance(found.gain, Interval)
