"""Systems under test run alternately, so that other load on the machine affects all of them alike.

    ratio(a, b) = median over repetitions r of cost(a, r) / cost(b, r)

A repetition calls every system once, in an order that moves on by one place each repetition. Source: our choice.
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
class Measurement:
    """Cost of one call, the mean over the calls of a measurement.

    Attributes:
        cpu: seconds of CPU of the process that did the work, all threads together.
        wall: seconds on the clock.
        memory: peak bytes of the process; 0 where it was not measured.
    """

    cpu: float
    wall: float
    memory: int = 0


System = Callable[[], Measurement]


@dataclass(frozen=True)
class Timings:
    """Measurements of each system, by repetition.

    Attributes:
        measurements: for each system's name, its measurement in every repetition.
    """

    measurements: Mapping[str, tuple[Measurement, ...]]

    def costs(self, name: str, cost: Cost) -> list[float]:
        """Seconds of a system in every repetition."""
        return [measurement.cpu if cost == "cpu" else measurement.wall for measurement in self.measurements[name]]

    def median(self, name: str, cost: Cost) -> float:
        """Median over the repetitions, in seconds."""
        return statistics.median(self.costs(name, cost))

    def memory(self, name: str) -> int:
        """Most bytes in any repetition."""
        return max(measurement.memory for measurement in self.measurements[name])

    def ratio(self, name: str, reference: str, cost: Cost) -> float:
        """Median over the repetitions of a system's cost by the reference's in the same repetition."""
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


def timed(call: Callable[[], object], measurement_s: float = 0.1, clocks: Clocks = CLOCKS) -> System:
    """A function of this process as a system: each measurement calls it for about `measurement_s` seconds, at least once."""
    for _ in range(WARM_UP_CALLS):
        began = clocks.wall()
        call()
        once = clocks.wall() - began
    calls = max(1, round(measurement_s / max(once, 1e-7)))
    return lambda: _measure(call, calls, clocks)


def measure_alternately(systems: Mapping[str, System], repetitions: int) -> Timings:
    """Measure every system once in every repetition.

    Args:
        systems: by name.
        repetitions: measurements of each, at least 1.
    """
    names = list(systems)
    measurements: dict[str, list[Measurement]] = {name: [] for name in names}
    for number in range(repetitions):
        for name in _rotated(names, number):
            measurements[name].append(systems[name]())
    return Timings({name: tuple(taken) for name, taken in measurements.items()})


def _rotated(names: list[str], number: int) -> Iterable[str]:
    first = number % len(names)
    return names[first:] + names[:first]


def _measure(call: Callable[[], object], calls: int, clocks: Clocks) -> Measurement:
    cpu, wall = clocks.cpu(), clocks.wall()
    for _ in range(calls):
        call()
    return Measurement((clocks.cpu() - cpu) / calls, (clocks.wall() - wall) / calls)
