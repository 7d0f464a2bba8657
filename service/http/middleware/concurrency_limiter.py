"""Places for requests at work, and the queue for them.

Who would wait for longer than half of `max_wait_s` is refused when it comes, by the time that answers took lately; who waited for all of
it, because answers began to take longer, is refused then. Small answers are made in the event loop: when its turns are long, each that
follows another refuses what it could not answer soon.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from service.errors import OverloadError

WEIGHT = 0.05
"""Of the newest answer in the mean of what answers took."""
PAUSE_S = 0.1
"""Between two turns of the event loop that have nothing to do with each other; reading hundreds of requests takes less."""
PROMISED = 0.5
"""Of the time that is left: what a request may be expected to wait when it is let into the queue."""


class Places:
    """Places for requests at work, and the queue for them; of one event loop."""

    def __init__(
        self, at_once: int, max_wait_s: float, long_turn_s: float = math.inf, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """
        Args:
            at_once: places.
            max_wait_s: for one of them.
            long_turn_s: of the event loop, in which small answers are made one after the other while all others wait.
            clock: seconds since any moment; never runs backwards.
        """
        self._clock = clock
        self._at_once, self._max_wait_s, self._long_turn_s = at_once, max_wait_s, long_turn_s
        self._taken, self._mean_s = 0, 0.0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._turn_began: float | None = None
        self._was_long, self._turn_ended = False, 0.0

    async def take(self, came_at: float | None = None) -> float:
        """Wait for a place; when it was given, by the clock.

        Args:
            came_at: when the request came, by the same clock; now, where it is left out.

        Raises:
            OverloadError: there will be none in time.
        """
        left_s = self._max_wait_s if came_at is None else came_at + self._max_wait_s - self._clock()
        self._check(left_s)
        if self._taken < self._at_once and not self._queue:
            self._taken += 1
        else:
            await self._wait(left_s)
        return self._clock()

    def check(self) -> None:
        """Refuse a request that comes now where it would have to wait too long, without asking for a place.

        Raises:
            OverloadError: it would.
        """
        self._check(self._max_wait_s)

    def _check(self, left_s: float) -> None:
        if self._expected_s() > PROMISED * left_s or self._loop_is_overrun():
            raise self._overload()

    def give_back(self, given_at: float) -> None:
        """Leave the place to the next one."""
        self._mean_s += WEIGHT * (self._clock() - given_at - self._mean_s)
        self._next()

    def _expected_s(self) -> float:
        """Seconds that a request would wait which comes now: what this turn of the loop has taken, or the queue will."""
        return max(self._turn_s(), (len(self._queue) + 1) / self._at_once * self._mean_s if self._taken >= self._at_once else 0.0)

    def _loop_is_overrun(self) -> bool:
        """Whether this turn is long and the one before was: a burst is answered, more than can be answered is not."""
        return self._turn_s() > self._long_turn_s and self._was_long

    def _turn_s(self) -> float:
        """Seconds since the first request of this turn of the event loop: small answers are made one after the other within one."""
        now = self._clock()
        if self._turn_began is None:
            self._turn_began = now
            self._was_long = self._was_long and now - self._turn_ended < PAUSE_S
            asyncio.get_running_loop().call_soon(self._end_turn)
        return now - self._turn_began

    def _end_turn(self) -> None:
        self._was_long = self._turn_s() > self._long_turn_s
        self._turn_began, self._turn_ended = None, self._clock()

    async def _wait(self, left_s: float) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await asyncio.wait({place}, timeout=left_s)
        except asyncio.CancelledError:
            self._leave(place)
            raise
        if not place.done():
            self._leave(place)
            raise self._overload()

    def _leave(self, place: asyncio.Future[None]) -> None:
        if place.done():
            self._next()  # the place came as its client left
        else:
            self._queue.remove(place)

    def _next(self) -> None:
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._taken -= 1

    def _overload(self) -> OverloadError:
        waits = f"{self._taken} requests are at work and {len(self._queue)} wait, more than can be answered within {self._max_wait_s:g} s."
        return OverloadError(f"{waits} Try again later.", max(1, math.ceil(self._max_wait_s)))


class Turn:
    """The place of one request.

    Attributes:
        waited_s: how long the request waited for its place; what is done in the place, such as loading a model, does not count.
        left: whether it has left its place.
    """

    def __init__(self, places: Places, came_at: float, given_at: float) -> None:
        self.waited_s = given_at - came_at
        self._places, self._given_at = places, given_at
        self.left = False

    def leave(self) -> None:
        """Leave the place to the next one, the first time that it is said."""
        if not self.left:
            self.left = True
            self._places.give_back(self._given_at)
