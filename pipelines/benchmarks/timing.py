"""Contenders take turns, so that whatever else the machine does falls on all of them.

    ratio(a, b) = median over rounds r of cost(a, r) / cost(b, r)

A round calls every contender once, in an order that moves on by one place each round. Source: our choice.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Cost = Literal["cpu", "wall"]
WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Turn:
    """What one call cost, as the mean of the calls of a turn.

    Attributes:
        cpu: seconds of CPU of the process that did the work, all threads together.
        wall: seconds on the clock.
        memory: bytes that the process held at most; 0 where that was not looked at.
    """

    cpu: float
    wall: float
    memory: int = 0


Contender = Callable[[], Turn]


@dataclass(frozen=True)
class Timings:
    """Turns of each contender, by round.

    Attributes:
        turns: for each contender's name, its turn in every round.
    """

    turns: Mapping[str, tuple[Turn, ...]]

    def costs(self, name: str, cost: Cost) -> list[float]:
        """Seconds of a contender in every round."""
        return [turn.cpu if cost == "cpu" else turn.wall for turn in self.turns[name]]

    def median(self, name: str, cost: Cost) -> float:
        """Median over the rounds, in seconds."""
        return statistics.median(self.costs(name, cost))

    def memory(self, name: str) -> int:
        """Most bytes in any round."""
        return max(turn.memory for turn in self.turns[name])

    def ratio(self, name: str, reference: str, cost: Cost) -> float:
        """Median over the rounds of a contender's cost by the reference's in the same round."""
        pairs = zip(self.costs(name, cost), self.costs(reference, cost), strict=True)
        return statistics.median(own / other for own, other in pairs)


@dataclass(frozen=True)
class Clocks:
    """What costs are read from.

    Attributes:
        cpu: seconds of CPU that this process has used.
        wall: seconds since any moment.
    """

    cpu: Callable[[], float] = time.process_time
    wall: Callable[[], float] = time.perf_counter


CLOCKS = Clocks()


def timed(call: Callable[[], object], turn_s: float = 0.1, clocks: Clocks = CLOCKS) -> Contender:
    """A function of this process as a contender: each turn calls it for about `turn_s` seconds, at least once."""
    for _ in range(WARM_UP_CALLS):
        began = clocks.wall()
        call()
        once = clocks.wall() - began
    calls = max(1, round(turn_s / max(once, 1e-7)))
    return lambda: _turn(call, calls, clocks)


def take_turns(contenders: Mapping[str, Contender], rounds: int) -> Timings:
    """Let every contender have a turn in every round.

    Args:
        contenders: by name.
        rounds: turns of each, at least 1.
    """
    names = list(contenders)
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    for number in range(rounds):
        for name in _rotated(names, number):
            turns[name].append(contenders[name]())
    return Timings({name: tuple(taken) for name, taken in turns.items()})


def _rotated(names: list[str], number: int) -> Iterable[str]:
    first = number % len(names)
    return names[first:] + names[:first]


def _turn(call: Callable[[], object], calls: int, clocks: Clocks) -> Turn:
    cpu, wall = clocks.cpu(), clocks.wall()
    for _ in range(calls):
        call()
    return Turn((clocks.cpu() - cpu) / calls, (clocks.wall() - wall) / calls)
