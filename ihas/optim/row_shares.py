"""Work on many rows, divided among threads.

    share i of n threads = rows i N / n .. (i + 1) N / n

A row is worked on by one thread and rows do not depend on each other, so that the result is the same, to the bit, for any number of
threads. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from itertools import pairwise


def in_shares(work: Callable[[slice], object], num_rows: int, num_threads: int, least: int) -> None:
    """Call `work` on neighbouring slices that make up all rows, beside each other; it has to let go of the interpreter's lock.

    Fewer than `least` rows are one slice: waking a thread costs a tenth of a millisecond.

    Raises:
        what `work` raises.
    """
    if num_threads == 1 or num_rows < least:
        work(slice(0, num_rows))
        return
    own, *others = (slice(start, stop) for start, stop in pairwise(num_rows * i // num_threads for i in range(num_threads + 1)))
    handed_out = [_threads(num_threads - 1).submit(work, share) for share in others]
    work(own)
    for share in handed_out:
        share.result()


@cache
def _threads(num_threads: int) -> Executor:
    return ThreadPoolExecutor(num_threads, "rows")
