"""Which holders of jobs show no sign of life, judged by the observer's own clock alone.

A holder's sign is a number that grows with every heartbeat. An observer adds up, for each sign, the time between its own looks that found
it unchanged. No time that another machine or the database read is compared with one of its own, so that a clock that is set, forwards or
backwards, neither ends a lease nor prolongs one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

LOOKS = 2
"""Gaps between looks that a lease takes at least: one gap counts `lease_s / LOOKS` at most, however long it was."""


class Sign(NamedTuple):
    """What a holder shows of itself.

    Attributes:
        number: of the job.
        token: under which it is held.
        beats: heartbeats since it was claimed.
    """

    number: int
    token: int
    beats: int


class Silence:
    """Seconds of silence of each holder, as one process has seen them; safe to call from several threads.

    An observer that could not look, because its machine was suspended or busy or the database away, has not seen the holder silent: a long
    gap counts half a lease at most, and a holder that was held up together with it has time to show a sign.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            clock: seconds since any moment; never runs backwards.
        """
        self._clock, self._lock = clock, threading.Lock()
        self._looked_at = clock()
        self._silent_s: dict[Sign, float] = {}

    def look(self, signs: Iterable[Sign], lease_s: float) -> frozenset[Sign]:
        """Those of the signs that did not change for a lease.

        Args:
            signs: of every holder, as they are now.
            lease_s: seconds of silence after which a holder counts as lost.
        """
        with self._lock:
            now = self._clock()
            gap_s, self._looked_at = min(now - self._looked_at, lease_s / LOOKS), now
            self._silent_s = {sign: self._silent_s[sign] + gap_s if sign in self._silent_s else 0.0 for sign in signs}
            return frozenset(sign for sign, silent_s in self._silent_s.items() if silent_s >= lease_s)
