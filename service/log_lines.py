"""Lines of the log, written together: a write lets go of the interpreter, and under load a request would wait longer for it than it works.

What is only told waits for up to `WAITS_S`; warnings and errors, with all that waited before them, are written before the caller goes on.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from typing import BinaryIO

WAITS_S = 0.05


class Lines:
    """A structlog logger of bytes, one for each level; safe to call from several threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._told, self._writing = threading.Event(), threading.Lock()
        threading.Thread(target=self._keep_writing, name="log", daemon=True).start()
        atexit.register(self.write)

    def info(self, line: bytes) -> None:
        """Let a line wait."""
        self._waiting.append(line + b"\n")
        if not self._told.is_set():
            self._told.set()

    def error(self, line: bytes) -> None:
        """Write a line, and what waits before it, now."""
        self._waiting.append(line + b"\n")
        self.write()

    debug = msg = info
    warning = critical = exception = error

    def write(self) -> None:
        """Write what waits, in order."""
        with self._writing:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                self._file.write(b"".join(lines))
                self._file.flush()

    def _keep_writing(self) -> None:
        while self._told.wait():
            time.sleep(WAITS_S)
            self._told.clear()
            self.write()
