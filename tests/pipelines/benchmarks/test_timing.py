"""Turns are taken in every round, and ratios are those of one round."""

from __future__ import annotations

import time

import pytest

from pipelines.benchmarks.timing import Timings, Turn, take_turns, timed


def test_every_contender_has_one_turn_a_round_and_the_first_place_moves_on() -> None:
    """Two rounds of three contenders: abc, then bca."""
    order: list[str] = []

    def contender(name: str) -> Turn:
        order.append(name)
        return Turn(1.0, 2.0)

    timings = take_turns({name: lambda name=name: contender(name) for name in "abc"}, rounds=2)

    assert "".join(order) == "abcbca"
    assert timings.turns["a"] == (Turn(1.0, 2.0), Turn(1.0, 2.0))


def test_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A machine that is ten times slower in one round changes no ratio: 2, 2 and 4 by hand."""
    timings = Timings(
        {"own": (Turn(2.0, 1.0), Turn(20.0, 1.0), Turn(4.0, 1.0)), "floor": (Turn(1.0, 1.0), Turn(10.0, 1.0), Turn(1.0, 4.0))}
    )

    assert timings.ratio("own", "floor", "cpu") == 2.0
    assert timings.ratio("own", "floor", "wall") == 1.0
    assert timings.median("own", "cpu") == 4.0


def test_a_sleeping_call_costs_wall_time_and_no_cpu() -> None:
    """20 ms of sleep are 20 ms on the clock and next to nothing of CPU."""
    turn = timed(lambda: time.sleep(0.02), turn_s=0.04)()

    assert turn.wall >= 0.02
    assert turn.cpu < 0.01


@pytest.mark.parametrize("turn_s", [0.001, 0.05])
def test_a_turn_is_the_mean_of_its_calls(turn_s: float) -> None:
    """However many calls fit in a turn, at least one, the cost is that of one: so many times it is no more than the turn took."""
    calls: list[float] = []

    def call() -> None:
        calls.append(time.perf_counter())
        time.sleep(0.005)

    contender = timed(call, turn_s)
    calls.clear()
    began = time.perf_counter()
    turn = contender()

    assert calls
    assert 0.005 <= turn.wall <= (time.perf_counter() - began) / len(calls)
