"""Arrays that travel between machines as names of files: what another machine maps is not sent to it.

    an array that is a file's part, mapped     the file's name and where in it the array begins
    any other of more than `SENT_BYTES`        a file of its own (npy), written once, in a folder that all machines share
    what is smaller                            travels itself

A name leads to the same bytes on every machine, or nowhere. Source: our choice (decision 99).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ihas.data.mapped import IN_MEMORY_BYTES, load_mapped, scratch_folder, watched
from ihas.errors import ClusterError

SENT_BYTES = 1_024
FOLDER = "sent-"


@dataclass(frozen=True)
class ArrayPlace:
    """Where an array lies.

    Attributes:
        path: the file.
        dtype: of its values, as NumPy writes it; empty for a file of one array (npy).
        shape: of the array.
        offset: bytes before its first value.
    """

    path: str
    dtype: str = ""
    shape: tuple[int, ...] = ()
    offset: int = 0

    def open(self) -> np.ndarray:
        """The array: mapped, read-only, where its file is, in memory where a file was written for it and is small.

        Raises:
            ClusterError: this machine does not see the file.
        """
        with _unseen_told(self.path):
            return self._open()

    def _open(self) -> np.ndarray:
        if self.dtype:
            return np.asarray(watched(np.memmap(self.path, self.dtype, "r", self.offset, self.shape)))
        if Path(self.path).stat().st_size > IN_MEMORY_BYTES:
            return load_mapped(Path(self.path))
        found: np.ndarray = np.load(self.path, allow_pickle=False)
        return found


def check_seen(folder: Path) -> None:
    """Check that this machine sees a folder.

    Raises:
        ClusterError: it does not.
    """
    with _unseen_told(str(folder)):
        folder.stat()


@contextmanager
def _unseen_told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ClusterError(
            f"Every machine of the cluster must see the folder of the run under one name, but {os.uname().nodename} does not see "
            f"{path} ({error.strerror or type(error).__name__}). Mount the shared folder there, under the same path."
        ) from error


class SharedArrays:
    """Gives arrays their places; an array that was given one keeps it.

    Args:
        folder: that all machines share, for what lies in no file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[int, tuple[np.ndarray, ArrayPlace]] = {}  # with the array, which keeps its number from being another's

    def place(self, array: np.ndarray) -> ArrayPlace | None:
        """Where other machines find it; None for what is so small that it travels itself, and for objects."""
        if array.nbytes <= SENT_BYTES or array.dtype.hasobject:
            return None
        if id(array) not in self._places:
            self._places[id(array)] = (array, _place_in_file(array) or self._written(array))
        return self._places[id(array)][1]

    def _written(self, array: np.ndarray) -> ArrayPlace:
        path = self._folder / f"{len(self._places)}.npy"
        np.save(path, array, allow_pickle=False)
        return ArrayPlace(str(path))


def _place_in_file(array: np.ndarray) -> ArrayPlace | None:
    """The place of an array that is mapped, in one piece, from a file with a name."""
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    if not isinstance(whole, np.memmap) or whole.filename is None or not array.flags.c_contiguous:
        return None
    if whole.mode != "r":
        whole.flush()
    offset = int(whole.offset) + array.ctypes.data - whole.ctypes.data
    return ArrayPlace(str(whole.filename), array.dtype.str, array.shape, offset)


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder in the run's for the arrays of one call, gone after it; what a killed process left there goes too."""
    run, own = scratch_folder(), f"{FOLDER}{os.getpid()}-"
    for left in [] if run is None else run.glob(f"{FOLDER}*"):
        if not left.name.startswith(own):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=own, dir=(run or Path(tempfile.gettempdir())).resolve(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)
