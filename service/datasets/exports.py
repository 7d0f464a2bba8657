"""How many exports a process makes at the same time: each computes beside those who are answered, and holds a block of rows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ihas_service.errors import TooManyError

MOST, MOST_OF_TENANT = 4, 2
AGAIN_S = 10.0


class Exports:
    """Places for exports."""

    def __init__(self) -> None:
        self._lock, self._running = threading.Lock(), Counter[str]()

    @property
    def running(self) -> int:
        """How many run."""
        return self._running.total()

    @contextmanager
    def place(self, tenant: str) -> Iterator[None]:
        """Hold a place within the block.

        Raises:
            TooManyError: there is none.
        """
        with self._lock:
            own, all_ = self._running[tenant], self._running.total()
            if own >= MOST_OF_TENANT or all_ >= MOST:
                law = f"At most {MOST_OF_TENANT} exports of a tenant run at the same time, and {MOST} of all"
                raise TooManyError(f"{law}, but {own} and {all_} do. Try again when one has ended.", AGAIN_S)
            self._running[tenant] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[tenant] -= 1
