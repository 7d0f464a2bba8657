"""Limit on the requests that are answered at the same time, with a queue in order of arrival.

A request is refused on arrival if its expected wait, by the latest answer times, is longer than half of `max_wait_s`, and later if it has
waited for all of `max_wait_s`. Small answers are computed in the event loop: if two iterations in a row are long, requests of the second
one are refused as soon as they could not be answered in time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from ihas_service.errors import OverloadError

WEIGHT = 0.05
"""Weight of the newest answer in the mean answer time."""
PAUSE_S = 0.1
"""Seconds between two unrelated iterations of the event loop; reading hundreds of requests takes less."""
MAX_EXPECTED_SHARE = 0.5
"""Maximum expected wait of a request that enters the queue, as a share of the time that it may still wait."""


class ConcurrencyLimiter:
    """Gives permits to requests of one event loop, at most `at_once` at the same time."""

    def __init__(
        self, at_once: int, max_wait_s: float, long_iteration_s: float = math.inf, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """
        Args:
            at_once: permits.
            max_wait_s: seconds that a request may wait for a permit.
            long_iteration_s: seconds from which an iteration of the event loop counts as long.
            clock: seconds since any moment; never runs backwards.
        """
        self._clock = clock
        self._at_once, self._max_wait_s, self._long_iteration_s = at_once, max_wait_s, long_iteration_s
        self._granted, self._mean_s = 0, 0.0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._iteration_began: float | None = None
        self._was_long, self._iteration_ended = False, 0.0

    async def acquire(self, came_at: float | None = None) -> float:
        """Wait for a permit; returns the time at which it was granted, by the clock.

        Args:
            came_at: time at which the request arrived, by the same clock; now by default.

        Raises:
            OverloadError: no permit is expected in time, or none came in time.
        """
        left_s = self._max_wait_s if came_at is None else came_at + self._max_wait_s - self._clock()
        self._check(left_s)
        if self._granted < self._at_once and not self._queue:
            self._granted += 1
        else:
            await self._wait(left_s)
        return self._clock()

    def check(self) -> None:
        """Refuse a request that would wait too long, without acquiring a permit.

        Raises:
            OverloadError: it would.
        """
        self._check(self._max_wait_s)

    def _check(self, left_s: float) -> None:
        if self._expected_s() > MAX_EXPECTED_SHARE * left_s or self._loop_is_overrun():
            raise self._overload()

    def release(self, granted_at: float) -> None:
        """Pass the permit on to the next request."""
        self._mean_s += WEIGHT * (self._clock() - granted_at - self._mean_s)
        self._next()

    def _expected_s(self) -> float:
        """Expected wait of a request that arrives now: time spent in this iteration of the loop, or the time that the queue takes."""
        return max(self._iteration_s(), (len(self._queue) + 1) / self._at_once * self._mean_s if self._granted >= self._at_once else 0.0)

    def _loop_is_overrun(self) -> bool:
        """Whether this iteration and the one before are long: a burst is answered, lasting overload is not."""
        return self._iteration_s() > self._long_iteration_s and self._was_long

    def _iteration_s(self) -> float:
        """Seconds since the first request of this iteration of the event loop, in which small answers follow one another."""
        now = self._clock()
        if self._iteration_began is None:
            self._iteration_began = now
            self._was_long = self._was_long and now - self._iteration_ended < PAUSE_S
            asyncio.get_running_loop().call_soon(self._end_iteration)
        return now - self._iteration_began

    def _end_iteration(self) -> None:
        self._was_long = self._iteration_s() > self._long_iteration_s
        self._iteration_began, self._iteration_ended = None, self._clock()

    async def _wait(self, left_s: float) -> None:
        permit: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(permit)
        try:
            await asyncio.wait({permit}, timeout=left_s)
        except asyncio.CancelledError:
            self._abandon(permit)
            raise
        if not permit.done():
            self._abandon(permit)
            raise self._overload()

    def _abandon(self, permit: asyncio.Future[None]) -> None:
        if permit.done():
            self._next()  # granted as its client left
        else:
            self._queue.remove(permit)

    def _next(self) -> None:
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._granted -= 1

    def _overload(self) -> OverloadError:
        waits = f"{self._granted} requests are being answered and {len(self._queue)} wait, more than fit into {self._max_wait_s:g} s."
        return OverloadError(f"{waits} Try again later.", max(1, math.ceil(self._max_wait_s)))


class Permit:
    """The permit of one request.

    Attributes:
        waited_s: seconds that the request waited for it; work under the permit, such as loading a model, does not count.
        released: whether it was passed on.
    """

    def __init__(self, limiter: ConcurrencyLimiter, came_at: float, granted_at: float) -> None:
        self.waited_s = granted_at - came_at
        self._limiter, self._granted_at = limiter, granted_at
        self.released = False

    def release(self) -> None:
        """Pass the permit on to the next request; later calls do nothing."""
        if not self.released:
            self.released = True
            self._limiter.release(self._granted_at)
