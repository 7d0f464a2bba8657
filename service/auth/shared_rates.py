"""Rate limits per caller over all processes of the API.

A request is counted here and admitted or refused at once; every `SYNC_S` the new ones are added to the database, whose sum counts from
then on. So a caller gets the limit, and beyond it at most what the other processes admit within `SYNC_S`. Without the database each
process goes on with its own count.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ihas_service.errors import TooManyError
from ihas_service.storage.request_counts import MINUTE_S, RequestCounts

SYNC_S = 0.25


@dataclass(slots=True)
class Window:
    """A caller's minute.

    Attributes:
        ends: when it is over, by the clock of this process.
        requests: of all processes, as far as this one knows.
        unsent: those of this process that the database does not know.
    """

    ends: float
    requests: int = 0
    unsent: int = 0


class SharedRates:
    """Counts within a minute that begins with a caller's first request; a limit of 0 counts nothing."""

    def __init__(self, counts: RequestCounts, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            counts: of all processes.
            per_minute: requests of one caller.
            clock: seconds since any moment; never runs backwards.
        """
        self._counts, self._per_minute, self._clock = counts, per_minute, clock
        self._windows: dict[str, Window] = {}
        self._guard = threading.Lock()

    def hit(self, who: str) -> None:
        """Count one for somebody.

        Raises:
            TooManyError: the minute's limit is used up.
        """
        if not self._per_minute:
            return
        caller, now = _digest(who), self._clock()
        with self._guard:
            window = self._windows.get(caller)
            if window is None or now >= window.ends:
                window = self._windows[caller] = Window(now + MINUTE_S)
            if window.requests >= self._per_minute:
                raise self._too_many(window.ends - now)
            window.requests += 1
            window.unsent += 1

    def sync(self) -> None:
        """Add what is new to the sums of all processes, and take these over."""
        with self._guard:
            self._forget(self._clock())
            sent = {caller: window.unsent for caller, window in self._windows.items() if window.unsent}
            for caller in sent:
                self._windows[caller].unsent = 0
        if not sent:
            return
        try:
            sums = self._counts.add(sent)
        except Exception:
            self._take_back(sent)
            raise
        self._take_over(sums)

    def _take_back(self, sent: dict[str, int]) -> None:
        with self._guard:
            for caller, requests in sent.items():
                self._windows[caller].unsent += requests

    def _take_over(self, sums: Mapping[str, tuple[int, float]]) -> None:
        now = self._clock()
        with self._guard:
            for caller, (requests, left_s) in sums.items():
                window = self._windows[caller]
                window.requests, window.ends = requests + window.unsent, now + left_s
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Minutes that are over, also those that the database, which was away, never knew: they count in no later one."""
        for caller in [caller for caller, window in self._windows.items() if now >= window.ends]:
            del self._windows[caller]

    def _too_many(self, wait_s: float) -> TooManyError:
        wait_s = max(1.0, wait_s)
        return TooManyError(f"At most {self._per_minute} requests a minute are taken here. Try again in {wait_s:.0f} s.", wait_s)


def _digest(who: str) -> str:
    """What a caller is counted under; the table names nobody."""
    return hashlib.blake2b(who.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
