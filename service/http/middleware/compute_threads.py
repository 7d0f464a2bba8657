"""Threads in which models compute: as many as there are processors, since computing waits for nothing but the processor.

With a thread for every request, the event loop would compete with dozens of threads for the interpreter, and requests that have to be
refused would be refused late. So a request that takes long waits for a thread in a queue of its own, for no longer than it may still wait.
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

from ihas_service.http.middleware.concurrency_limiter import ConcurrencyLimiter, Permit
from ihas_service.settings import Settings

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Threads:
    """Threads of one application; requests get them in order of arrival."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.perf_counter) -> None:
        """
        Args:
            clock: seconds since any moment, the one that requests' arrival is told by; never runs backwards.
        """
        count = settings.compute_threads or processors()
        self._clock, self._limiter = clock, CapacityLimiter(count)
        self._permits = ConcurrencyLimiter(count, settings.max_wait_s, clock=clock)

    def check(self) -> None:
        """Refuse a request that will need a thread, before more is spent on it.

        Raises:
            OverloadError: no thread is expected in time.
        """
        self._permits.check()

    async def run(
        self, scope: Scope, function: Callable[Parameters, Result], *arguments: Parameters.args, **options: Parameters.kwargs
    ) -> Result:
        """Result of `function`, computed in a thread; the request releases its permit for the event loop.

        Raises:
            OverloadError: no thread came in time.
        """
        permit: Permit = scope["state"]["permit"]
        permit.release()
        granted_at = await self._permits.acquire(self._clock() - permit.waited_s)
        try:
            return await anyio.to_thread.run_sync(partial(function, *arguments, **options), limiter=self._limiter)
        finally:
            self._permits.release(granted_at)


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
