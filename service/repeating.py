"""A thread that does one thing again and again until it is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

LOG = structlog.get_logger(__name__)


class Repeating:
    """Work of every so many seconds, done once more when it is closed. Whatever it raises is told, and it is done again."""

    def __init__(self, name: str, work: Callable[[], None], every_s: float) -> None:
        """
        Args:
            name: of the thread, and of the work in the log.
            work: is done.
            every_s: seconds between the end of one and the beginning of the next.
        """
        self._name, self._work, self._every_s = name, work, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)

    def start(self) -> None:
        """Begin, after the first wait."""
        self._thread.start()

    def close(self) -> None:
        """Do it once more, and end the thread."""
        self._stop.set()
        self._thread.join()

    def _repeat(self) -> None:
        while not self._stop.wait(self._every_s):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self._work()
        except Exception as error:  # the database is out of reach, its pool is empty: whatever it is, the next time may succeed
            LOG.warning("could not do what is done again and again", what=self._name, error=f"{type(error).__name__}: {error}")
