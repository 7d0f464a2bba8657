"""Arrays larger than memory: on disk, mapped, and given back to the system as soon as they were read.

A mapped array is an ndarray like any other. Its pages count as resident once they were touched, though the system may take them back
at any time; `release` gives them back at once, which loses nothing and costs a fault when they are touched again.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import IO, Any
from weakref import WeakSet

import numpy as np

IN_MEMORY_BYTES = 1 << 28
SCATTERED_ROWS = 2_048
"""Rows read at once from places all over an array: each may bring 64 KiB around it into memory, 128 MiB together."""
_maps: WeakSet[mmap.mmap] = WeakSet()
_changing = Lock()  # trainings beside each other add maps and give pages back
_scratch: ContextVar[Path | None] = ContextVar("scratch", default=None)


def load_mapped(path: Path) -> np.ndarray:
    """A file of one array (npy), read-only."""
    return np.asarray(watched(np.load(path, mmap_mode="r", allow_pickle=False)))


def new_array(shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """Zeros to be filled; more than `IN_MEMORY_BYTES` of them lie in a scratch file and are mapped."""
    if np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)) <= IN_MEMORY_BYTES:
        return np.zeros(shape, dtype)
    with scratch_file() as file:
        return watched(np.memmap(file, dtype, "w+", shape=shape))


def scratch_file() -> IO[bytes]:
    """A file without a name, which is gone with the last that holds it, however the process ends."""
    return tempfile.TemporaryFile(dir=_scratch.get())


def scratch_folder() -> Path | None:
    """The folder of the innermost `scratch_in`; None outside of one."""
    return _scratch.get()


@contextmanager
def scratch_in(folder: Path) -> Iterator[None]:
    """Within the block, arrays larger than memory lie on this folder's disk, not where the system keeps temporary files (`TMPDIR`)."""
    token = _scratch.set(folder)
    try:
        yield
    finally:
        _scratch.reset(token)


def map_file(file: IO[bytes]) -> mmap.mmap:
    """The content of an open file, read-only."""
    return _noted(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def watched(array: np.memmap) -> np.memmap:
    """The array, whose pages `release` gives back from now on."""
    mapping: Any = array.base
    _noted(mapping)
    return array


def _noted(mapping: mmap.mmap) -> mmap.mmap:
    with _changing:
        _maps.add(mapping)
    return mapping


def release() -> None:
    """Give back the pages of all mapped arrays; what was written to them goes to their files."""
    with _changing:
        mappings = list(_maps)
    for mapping in mappings:
        mapping.madvise(mmap.MADV_DONTNEED)


def scattered(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The given rows of an array, int (n,), in memory; where it is large, pages are given back as they are read."""
    if array.nbytes <= IN_MEMORY_BYTES:
        return np.asarray(array[rows])
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for block in spans(len(rows), SCATTERED_ROWS):
        found[block] = array[rows[block]]
    return found


def spans(num_rows: int, most: int) -> Iterator[slice]:
    """Neighbouring rows, at most `most` at a time, pages given back after each."""
    for start in range(0, num_rows, most):
        yield slice(start, min(start + most, num_rows))
        release()
