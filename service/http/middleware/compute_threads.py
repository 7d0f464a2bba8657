"""Threads that models compute in: as many as there are processors, for more would only stand in each other's way.

What a model computes waits for nothing but the processor. With a thread for every request that is at work, the event loop would be one of
dozens that want the interpreter, and those who have to be refused would learn it after the others were answered. So a request that takes
long waits for a thread in a queue that refuses, and for no longer than it has been waiting already.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.types import Scope

from service.http.middleware.concurrency_limiter import Places, Turn
from service.settings import Settings

Given = ParamSpec("Given")
Found = TypeVar("Found")


class Threads:
    """Threads of one application; requests get one in the order in which they came."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.perf_counter) -> None:
        """
        Args:
            clock: seconds since any moment, the one that requests' arrival is told by; never runs backwards.
        """
        count = settings.compute_threads or processors()
        self._clock, self._limiter = clock, CapacityLimiter(count)
        self._places = Places(count, settings.max_wait_s, clock=clock)

    def check(self) -> None:
        """Refuse a request that will want a thread, before more is spent on it.

        Raises:
            OverloadError: there will be none in time.
        """
        self._places.check()

    async def run(self, scope: Scope, function: Callable[Given, Found], *arguments: Given.args, **options: Given.kwargs) -> Found:
        """What `function` gives, computed in a thread; the request leaves its place among those that are answered at once.

        Raises:
            OverloadError: there will be no thread in time.
        """
        turn: Turn = scope["state"]["turn"]
        turn.leave()
        given_at = await self._places.take(self._clock() - turn.waited_s)
        try:
            return await anyio.to_thread.run_sync(partial(function, *arguments, **options), limiter=self._limiter)
        finally:
            self._places.give_back(given_at)


def processors(cpu_max: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Processors that this process may use, a container's share of them rounded up.

    Args:
        cpu_max: where Linux's control groups say how many microseconds of each period that is, `max 100000` for all.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else min(allowed, max(1, math.ceil(int(quota) / int(period))))
