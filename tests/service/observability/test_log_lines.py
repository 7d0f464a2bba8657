"""Lines of the log that wait for each other."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
import threading

from ihas_service.observability.log_lines import Lines
from tests.clock import HANG_S
from tests.service.conftest import eventually


class Writes(io.BytesIO):
    """Counts how often it is written to."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def write(self, data: object) -> int:
        """Count, then write."""
        self.count += 1
        return super().write(data)  # type: ignore[arg-type]


def test_lines_of_many_threads_are_all_written_each_threads_in_order() -> None:
    """Four threads tell a thousand lines each: four thousand lines are there, and each thread's are in the order it told them."""
    file = Writes()
    lines = Lines(file)
    threads = [threading.Thread(target=lambda own=own: [lines.info(b"%d %d" % (own, n)) for n in range(1_000)]) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines.write()
    told = [tuple(map(int, line.split())) for line in file.getvalue().splitlines()]
    assert [[n for own, n in told if own == one] for one in range(4)] == [list(range(1_000))] * 4
    assert file.count < 4_000


def test_a_line_that_nobody_follows_is_written_all_the_same() -> None:
    """A single line gets into the file, without anything being told after it."""
    file = Writes()
    Lines(file).info(b"alone")
    eventually(lambda: file.getvalue() == b"alone\n")


def test_an_error_is_written_before_its_caller_goes_on_with_all_that_waited() -> None:
    """After `error` returns, the line told before it and its own are in the file, in that order."""
    file = Writes()
    lines = Lines(file)
    lines.info(b"before")
    lines.error(b"wrong")
    assert file.getvalue() == b"before\nwrong\n"


class FullOnce(Writes):
    """The disk is full at the first write."""

    def write(self, data: object) -> int:
        """See `io.BytesIO`."""
        if not self.count:
            self.count += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_costs_lines_and_neither_the_caller_nor_the_lines_after() -> None:
    """The first write fails: `error` returns all the same, two lines are counted as lost, and the ones told later are written."""
    file = FullOnce()
    lines = Lines(file)
    lines.info(b"lost")
    lines.error(b"lost too")
    lines.info(b"later")
    eventually(lambda: file.getvalue() == b"later\n")
    assert lines.lost == 2


class Talking(Writes):
    """Tells something while it is written to, as a finalizer may."""

    def write(self, data: object) -> int:
        """See `io.BytesIO`."""
        written = super().write(data)
        if self.count == 1:
            self.lines.error(b"from within")
        return written

    lines: Lines


def test_what_is_told_while_a_line_is_written_is_written_too() -> None:
    """A write that tells an error itself neither hangs nor loses it."""
    file = Talking()
    lines = file.lines = Lines(file)
    told = threading.Thread(target=lines.error, args=(b"outer",), daemon=True)
    told.start()
    told.join(HANG_S)
    assert not told.is_alive()
    assert file.getvalue() == b"outer\nfrom within\n"


def test_a_process_that_ends_writes_what_waits() -> None:
    """A program that tells a line as its last act leaves the line behind."""
    program = "import sys; from ihas_service.observability.log_lines import Lines; Lines(sys.stderr.buffer).info(b'last words')"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=HANG_S).stderr == b"last words\n"
