"""Every step on a connection keeps to the fetch's deadline."""

from __future__ import annotations

import httpcore
import pytest

from ihas_service.datasets.bounded_stream import Bounded, Deadline
from ihas_service.errors import FetchError


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Slow(httpcore.MockStream):
    """Headers a byte at a time, four seconds each."""

    def __init__(self, clock: Clock) -> None:
        super().__init__([b"H", b"T", b"T", b"P"])
        self.clock, self.timeouts = clock, list[float | None]()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Take four seconds."""
        self.timeouts.append(timeout)
        self.clock.now += 4.0
        return super().read(max_bytes, timeout)


def test_bytes_that_trickle_end_with_the_time() -> None:
    """Of ten seconds, four of the fifteen that a read may take are left for the third one, and none for the fourth."""
    clock = Clock()
    slow = Slow(clock)
    stream = Bounded(slow, Deadline(10.0, clock))
    for _ in range(3):
        stream.read(1, 5.0)
    with pytest.raises(FetchError, match="longer than 10 s"):
        stream.read(1, 5.0)
    assert slow.timeouts == [5.0, 5.0, 2.0]


def test_other_steps_keep_to_the_deadline() -> None:
    """Connecting, writing and the handshake too."""
    clock = Clock()
    deadline = Deadline(10.0, clock)
    assert (deadline.within(None), deadline.within(3.0), deadline.within(30.0)) == (10.0, 3.0, 10.0)
    clock.now += 10.0
    with pytest.raises(FetchError):
        Bounded(httpcore.MockStream([]), deadline).write(b"GET")
