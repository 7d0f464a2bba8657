"""What is done again and again is done whatever it raises, and once more at the end."""

from __future__ import annotations

import threading

from ihas_service.repeating import Repeating
from tests.clock import HANG_S


def test_it_is_done_again_although_it_raised() -> None:
    """The third time comes after two that broke off."""
    third, times = threading.Event(), list[int]()

    def work() -> None:
        times.append(1)
        if len(times) < 3:
            raise ConnectionError("away")
        third.set()

    repeating = Repeating("work", work, 0.001)
    repeating.start()
    assert third.wait(HANG_S)
    repeating.close()


def test_it_is_done_once_more_when_it_is_closed() -> None:
    """What came since the last time is not lost."""
    times = list[int]()
    repeating = Repeating("work", lambda: times.append(1), HANG_S)
    repeating.start()
    repeating.close()

    assert times == [1]
