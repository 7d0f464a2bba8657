"""Removal of files of interrupted and replaced uploads."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path

import structlog

from ihas_service.storage.catalogue import Catalogue

LOG = structlog.get_logger(__name__)


def remove_leftovers(catalogue: Catalogue, folder: Path) -> None:
    """Remove uploads that no process is writing and that their data set does not name.

    Args:
        catalogue: says which files a data set's versions name.
        folder: the service's.
    """
    for path in folder.glob("datasets/*/upload-*"):
        with suppress(BlockingIOError, FileNotFoundError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before the look: who writes a file holds it until it is named
            if path.relative_to(folder).as_posix() not in catalogue.dataset_files(path.parent.name):
                path.unlink()
                with suppress(OSError):
                    path.parent.rmdir()
                LOG.info("removed what was left of an upload", dataset=path.parent.name, file=path.name)
