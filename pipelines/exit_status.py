"""What a command's exit status says: 0 succeeded, 4 bad data or settings, 5 the work failed."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ihas.errors import ConfigError, DataError, IhasError

SUCCEEDED, BAD_INPUT, FAILED = 0, 4, 5


def status_of(work: Callable[[], None]) -> int:
    """Carry out the work; an error of the library is said on standard error and becomes the status."""
    try:
        work()
    except IhasError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT if isinstance(error, ConfigError | DataError) else FAILED
    return SUCCEEDED
