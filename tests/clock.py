"""A clock that stands still until it is told to go on, and how long a test waits for what must come."""

from __future__ import annotations

HANG_S = 240.0
"""Seconds after which what a test waits for counts as hanging, however busy the machine is; no test is right or wrong by it otherwise."""


class Clock:
    """Seconds since it was made, as a test moves them on; stands for `time.monotonic`."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """Seconds since it was made."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
