"""Turns are taken in every round, and ratios are those of one round."""

from __future__ import annotations

import pytest

from pipelines.benchmarks.timing import WARM_UP_CALLS, Clocks, Timings, Turn, take_turns, timed
from tests.clock import Clock


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


def test_cpu_and_wall_time_are_told_apart() -> None:
    """A call that waits costs time on the wall's clock and none of the CPU's."""
    cpu, wall = Clock(), Clock()

    assert timed(lambda: wall.advance(0.5), 1.0, Clocks(cpu, wall))() == Turn(0.0, 0.5)


@pytest.mark.parametrize(("turn_s", "cost"), [(0.0, 1.0), (0.5, 1.0), (1.5, 2.0)])
def test_a_turn_is_the_mean_of_its_calls(turn_s: float, cost: float) -> None:
    """As many calls as fit, by the half second of a warm-up call, and at least one: 1, 1 and 3 calls of 1, 2 and 3 s are 1, 1 and 2 s in
    the mean, of which a quarter is CPU."""
    cpu, wall, costs = Clock(), Clock(), iter([0.5] * WARM_UP_CALLS + [1.0, 2.0, 3.0])

    def call() -> None:
        seconds = next(costs)
        wall.advance(seconds)
        cpu.advance(seconds / 4)

    assert timed(call, turn_s, Clocks(cpu, wall))() == Turn(cost / 4, cost)
