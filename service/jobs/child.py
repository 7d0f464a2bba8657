"""The child process that carries out a job.

It runs in a process group of its own, at low priority, and holds the reading end of a pipe whose writing end only this process
has: when this process dies, however it dies, the child's standard input closes and the child ends itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

NICENESS = 10
GRACE_S = 1.0
TAIL_BYTES = 4_000


class Child:
    """A running child process; what it writes to standard error goes to the end of `log`."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PGRP, self._process.pid, NICENESS)

    @property
    def pid(self) -> int:
        """Process id, also of its group."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether its end was waited for: nothing is left to stop."""
        return self._process.returncode is not None

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it (SIGSTOP), as Linux tells: it lives, and does nothing."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_bytes()
        except OSError:
            return False
        return stat.rpartition(b")")[2].split()[:1] == [b"T"]

    def lines(self) -> Iterator[str]:
        """What it writes to standard output, line by line, until it closes."""
        yield from _open(self._process.stdout)

    def wait(self) -> int:
        """Wait for its end and return its exit code, below 0 for a signal."""
        return self._process.wait()

    def close(self) -> None:
        """Close the pipes of a child that ended."""
        self._process.wait()
        _open(self._process.stdin).close()
        _open(self._process.stdout).close()

    def stop(self) -> None:
        """End the whole process group: politely, then for good."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)

    def note(self, line: str) -> None:
        """Add a line to the log."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line.rstrip("\n") + "\n")

    def log_tail(self) -> str:
        """The end of the log."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - TAIL_BYTES))
            return log.read().decode("utf-8", errors="replace").strip()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _open(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("The child must be started with pipes.")
    return stream
