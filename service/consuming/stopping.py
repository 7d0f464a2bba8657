"""A stop by a signal that waits for what is in hand."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came; the second one ends the process as it would without this."""
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.getsignal(number) for number in STOPS}
    for number in STOPS:
        signal.signal(number, stop)
    try:
        yield lambda: bool(came)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
