"""What the system refuses is told from what breaks a law."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pyarrow as pa
import pytest

from ihas.errors import DataError, is_memory_full, path_fault

NO_ROOM_FOR_A_STACK = """
import resource, threading
from ihas.errors import is_memory_full
resource.setrlimit(resource.RLIMIT_DATA, (1, 1))
try:
    threading.Thread(target=print).start()
except Exception as error:
    print(type(error).__name__, is_memory_full(error))
"""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 64 failed"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        pa.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_memory_that_ran_out_is_told_in_every_form(error: Exception) -> None:
    """For a value, in Python's and Arrow's words, for a mapped file, and for a thread of Arrow's."""
    assert is_memory_full(error)


def test_a_thread_whose_stack_finds_no_room_is_memory_that_ran_out() -> None:
    """A process that may have no more memory starts a thread; what Python raises then is known for what it is."""
    ended = subprocess.run([sys.executable, "-c", NO_ROOM_FOR_A_STACK], capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["RuntimeError", "True"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("memory"), RuntimeError("a new thread")])
def test_other_errors_are_not(error: Exception) -> None:
    """A full disk and words that only sound like it."""
    assert not is_memory_full(error)


def test_a_cell_that_speaks_of_memory_is_not_memory() -> None:
    """An error of ours that quotes a table's text stays what it is."""
    assert not is_memory_full(DataError("Column `log` must hold numbers, but row 3 holds `Cannot allocate memory`."))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ENOENT, errno.EEXIST])
def test_a_path_that_cannot_be_used_is_a_setting_to_change(number: int) -> None:
    """What the system says of a path becomes one line that names it; a full disk and a fault without a path do not."""
    fault = path_fault(OSError(number, "so it says", "/some/where"))
    assert fault is not None
    assert "/some/where is not" in str(fault)
    assert path_fault(OSError(errno.ENOSPC, "full", "/some/where")) is None
    assert path_fault(OSError(number, "so it says")) is None
    assert path_fault(ValueError("no")) is None
