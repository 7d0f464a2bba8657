"""A disk of a few megabytes, in memory, that a test may fill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 16 * 2**20


class SmallDisk:
    """Its folder, and a file that takes the room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, but: int = 0) -> None:
        """Take all room but some bytes."""
        with self._filler.open("wb", buffering=0) as file:
            free = os.statvfs(self.folder)
            file.write(bytes(max(0, free.f_bavail * free.f_frsize - but)))

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()


def reason_to_skip(folder: Path) -> str | None:
    """Why no disk can be mounted here; None where one can."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        return f"A disk in memory cannot be mounted, which takes root: {done.stderr.strip()}"
    subprocess.run(["umount", str(folder)], check=True)
    return None


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A disk mounted at a new folder until the block ends."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
