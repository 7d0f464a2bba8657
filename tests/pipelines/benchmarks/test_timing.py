"""Measurements are taken in every repetition, and ratios are those of one repetition."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks.timing import WARM_UP_CALLS, Clocks, Measurement, Timings, measure_alternately, timed
from tests.clock import Clock


def test_every_system_has_one_measurement_a_repetition_and_the_first_place_moves_on() -> None:
    """Two repetitions of three systems: abc, then bca."""
    order: list[str] = []

    def system(name: str) -> Measurement:
        order.append(name)
        return Measurement(1.0, 2.0)

    timings = measure_alternately({name: lambda name=name: system(name) for name in "abc"}, repetitions=2)

    assert "".join(order) == "abcbca"
    assert timings.measurements["a"] == (Measurement(1.0, 2.0), Measurement(1.0, 2.0))


def test_ratio_is_the_median_of_the_repetitions_ratios() -> None:
    """A machine that is ten times slower in one repetition changes no ratio: 2, 2 and 4 by hand."""
    timings = Timings(
        {
            "own": (Measurement(2.0, 1.0), Measurement(20.0, 1.0), Measurement(4.0, 1.0)),
            "floor": (Measurement(1.0, 1.0), Measurement(10.0, 1.0), Measurement(1.0, 4.0)),
        }
    )

    assert timings.ratio("own", "floor", "cpu") == 2.0
    assert timings.ratio("own", "floor", "wall") == 1.0
    assert timings.median("own", "cpu") == 4.0


def test_cpu_and_wall_time_are_told_apart() -> None:
    """A call that waits costs time on the wall's clock and none of the CPU's."""
    cpu, wall = Clock(), Clock()

    assert timed(lambda: wall.advance(0.5), 1.0, Clocks(cpu, wall))() == Measurement(0.0, 0.5)


@pytest.mark.parametrize(("measurement_s", "cost"), [(0.0, 1.0), (0.5, 1.0), (1.5, 2.0)])
def test_a_measurement_is_the_mean_of_its_calls(measurement_s: float, cost: float) -> None:
    """As many calls as fit, by the half second of a warm-up call, and at least one: 1, 1 and 3 calls of 1, 2 and 3 s are 1, 1 and 2 s in
    the mean, of which a quarter is CPU."""
    cpu, wall, costs = Clock(), Clock(), iter([0.5] * WARM_UP_CALLS + [1.0, 2.0, 3.0])

    def call() -> None:
        seconds = next(costs)
        wall.advance(seconds)
        cpu.advance(seconds / 4)

    assert timed(call, measurement_s, Clocks(cpu, wall))() == Measurement(cost / 4, cost)
