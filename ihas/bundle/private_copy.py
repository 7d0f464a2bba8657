"""Tables that stay mapped whatever becomes of their files: decision 56."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ihas.errors import BundleCorruptError


def mapped_privately(path: Path, expected_bytes: int) -> np.ndarray:
    """The array of an .npy file, mapped from a copy without a name, which nobody else can truncate or write.

    Args:
        path: of the file.
        expected_bytes: its length.

    Raises:
        BundleCorruptError: it has another length.
        ValueError: it is no .npy file.
        OSError: it cannot be read, or there is no room for the copy.
    """
    with path.open("rb") as file:
        copy = _copied(file, path.parent.parent)
    with copy:
        found = os.fstat(copy.fileno()).st_size
        if found != expected_bytes:
            raise BundleCorruptError(f"`{path.name}` must have {expected_bytes} bytes, but has {found}. Copy the bundle again.")
        return _mapped(copy)


def _copied(file: BinaryIO, beside: Path) -> BinaryIO:
    """Beside the bundle, where file systems that can share the blocks do; else in the folder of temporary files."""
    folder = beside if os.access(beside, os.W_OK) else None
    copy = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever maps it
    try:
        size = os.fstat(file.fileno()).st_size
        while (at := copy.tell()) < size and (count := os.copy_file_range(file.fileno(), copy.fileno(), size - at)):
            copy.seek(at + count)
    except OSError:  # across file systems of some kinds
        file.seek(0)
        copy.seek(0)
        shutil.copyfileobj(file, copy, 2**20)
    copy.flush()
    copy.seek(0)
    return copy


def _mapped(file: BinaryIO) -> np.ndarray:
    major, _ = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(file)
    if dtype.hasobject:
        raise ValueError("its cells are objects")
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.asarray(np.memmap(file, dtype, "r", file.tell(), shape, "F" if fortran else "C"))
