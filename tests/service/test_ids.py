"""Names nobody can guess."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ihas_service.ids import FETCHED, Randomness, new_id
from tests.clock import HANG_S


def test_names_of_many_threads_are_all_different() -> None:
    """Forty thousand names, made by eight threads across many fetches, are forty thousand."""
    source = Randomness()
    with ThreadPoolExecutor(8) as threads:
        names = [name for part in threads.map(lambda _: [source.hex(12) for _ in range(5_000)], range(8)) for name in part]
    assert len(set(names)) == 40_000
    assert FETCHED < 40_000 * 12


def test_a_name_says_what_it_names_and_holds_twelve_random_bytes() -> None:
    """`new_id("rc")` is `rc_` and 24 digits of base 16."""
    assert re.fullmatch("rc_[0-9a-f]{24}", new_id("rc"))


def test_bytes_are_never_given_twice_across_a_fetch() -> None:
    """With 4,096 bytes a fetch, asking for 1,000 at a time gives five different texts of 2,000 digits."""
    source = Randomness()
    assert len({source.hex(1_000) for _ in range(5)}) == 5
    assert all(len(source.hex(1_000)) == 2_000 for _ in range(5))


def test_more_than_a_fetch_is_refused() -> None:
    """The law and the way out are told, rather than fewer bytes given."""
    with pytest.raises(ValueError, match="At most 4096 bytes"):
        Randomness().hex(FETCHED + 1)


def test_a_process_that_was_split_off_gives_other_names() -> None:
    """After a fork, parent and child go on with different bytes."""
    program = "import os; from ihas_service.ids import new_id; new_id('x'); os.fork() and os.wait(); print(new_id('x'))"
    names = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=HANG_S).stdout.split()
    assert len(names) == len(set(names)) == 2
