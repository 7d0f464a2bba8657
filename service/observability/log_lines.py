"""Lines of the log, written together: a write lets go of the interpreter, and under load a request would wait longer for it than it works.

What is only told waits for up to `WAITS_S`; warnings and errors, with all that waited before them, are written before the caller goes on.
A file that cannot be written to, such as one on a full disk, costs the lines that were to be written then, and no request.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from typing import BinaryIO

WAITS_S = 0.05
MAX_WAITING = 100_000


class Lines:
    """A structlog logger of bytes, one method for each level; safe to call from several threads.

    Attributes:
        lost: lines that could not be written, or found too many waiting.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.lost = 0
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._told = threading.Event()
        self._writing = threading.RLock()  # what is collected as garbage while this thread writes may have something to tell too
        threading.Thread(target=self._keep_writing, name="log", daemon=True).start()
        atexit.register(self.write)

    def info(self, line: bytes) -> None:
        """Let a line wait."""
        if len(self._waiting) >= MAX_WAITING:
            self.lost += 1
            return
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
            lines = []
            while self._waiting:
                lines.append(self._waiting.popleft())
            try:
                if lines:
                    self._file.write(b"".join(lines))
                    self._file.flush()
            except OSError:
                self.lost += len(lines)

    def _keep_writing(self) -> None:
        while self._told.wait():
            time.sleep(WAITS_S)
            self._told.clear()
            self.write()
