"""Measurements are taken in every repetition, and ratios are those of one repetition."""

from __future__ import annotations

import time

import pytest

from pipelines.benchmarks.timing import Measurement, Timings, measure_alternately, timed


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


def test_a_sleeping_call_costs_wall_time_and_no_cpu() -> None:
    """20 ms of sleep are 20 ms on the clock and next to nothing of CPU."""
    measurement = timed(lambda: time.sleep(0.02), measurement_s=0.04)()

    assert measurement.wall >= 0.02
    assert measurement.cpu < 0.01


@pytest.mark.parametrize("measurement_s", [0.001, 0.05])
def test_a_measurement_is_the_mean_of_its_calls(measurement_s: float) -> None:
    """The cost is that of one of its calls, of which there is at least one: times their number, it is no more than it took."""
    calls: list[float] = []

    def call() -> None:
        calls.append(time.perf_counter())
        time.sleep(0.005)

    system = timed(call, measurement_s)
    calls.clear()
    began = time.perf_counter()
    measurement = system()

    assert calls
    assert 0.005 <= measurement.wall <= (time.perf_counter() - began) / len(calls)
