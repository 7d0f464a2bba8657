"""A temporary folder that lives as long as something refers to it."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path


class Workspace:
    """A new temporary folder. It is removed with the last reference to this object, and at the latest when Python ends.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ihas-"))
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())

    def remove(self) -> None:
        """Remove the folder now."""
        self._finalizer()


def _remove(path: Path, owner: int) -> None:
    """Remove a folder, except in a forked child, whose parent still reads it."""
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)
