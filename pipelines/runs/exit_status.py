"""What a command tells: lines as they come, and its exit status, 0 succeeded, 4 bad data or settings, 5 the work failed."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ihas.errors import ConfigError, DataError, IhasError

SUCCEEDED, BAD_INPUT, FAILED = 0, 4, 5


def say(line: str) -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def status_of(work: Callable[[], None]) -> int:
    """Carry out the work; an error of the library is said on standard error and becomes the status."""
    try:
        work()
    except IhasError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT if isinstance(error, ConfigError | DataError) else FAILED
    return SUCCEEDED
