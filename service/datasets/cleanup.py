"""Removal of files of interrupted and replaced uploads."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path

import structlog

from service.errors import UnknownIdError
from service.storage.catalogue import Catalogue

LOG = structlog.get_logger(__name__)


def remove_leftovers(catalogue: Catalogue, folder: Path) -> None:
    """Remove uploads that no process is writing and that their data set does not name.

    Args:
        catalogue: says which file a data set names.
        folder: the service's.
    """
    for path in folder.glob("datasets/*/upload-*"):
        with suppress(BlockingIOError, FileNotFoundError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before the look: who writes a file holds it until it is named
            if path.relative_to(folder).as_posix() != _named(catalogue, path.parent.name):
                path.unlink()
                with suppress(OSError):
                    path.parent.rmdir()
                LOG.info("removed what was left of an upload", dataset=path.parent.name, file=path.name)


def _named(catalogue: Catalogue, dataset_id: str) -> str | None:
    try:
        dataset = catalogue.dataset(dataset_id)
        return None if dataset.deleted_at is not None else dataset.path
    except UnknownIdError:
        return None
