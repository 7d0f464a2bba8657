"""Bundles on their way into a backup and out of it: each is fetched whole and verified, by its digest, before it is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ihas.bundle.manifest import check_digest, manifest_digest
from ihas.errors import DataError
from ihas.folders import new_folder
from ihas_service.settings import Settings
from ihas_service.storage.bundle_store import CACHE, Artefacts, removable


def save_bundle(settings: Settings, path: str, digest: str | None, target: str) -> str:
    """Copy a bundle of the service to a backup's bundles; the digest of its manifest.

    Raises:
        BundleError: it is missing, out of reach, or not the one that was registered.
        StoreError: the backup's place did not take it.
    """
    here = settings.folder.resolve()
    source = settings.artefacts_url if settings.artefacts_url is not None and not (here / path).is_dir() else str(here)
    with _fetched(path, digest, source) as (scratch, bundle):
        Artefacts(scratch, target).publish(path)
        return manifest_digest(bundle)


def restore_bundle(settings: Settings, path: str, digest: str, source: str) -> None:
    """Copy a bundle of a backup to the service's store, or its folder; one that is there already stays.

    Raises:
        BundleError: it is missing, out of reach, or not the one that was backed up.
        DataError: its path leads elsewhere.
        StoreError: the store did not take it.
    """
    if not removable(path):
        raise DataError(f"A bundle's path must lie in a folder of the service, but got {path!r}. Take another backup.")
    target = settings.folder.resolve() / path
    if target.is_dir():
        check_digest(target, digest)
    with _fetched(path, digest, source) as (scratch, bundle):
        if settings.artefacts_url is not None:
            Artefacts(scratch, settings.artefacts_url).publish(path)
        elif not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            with new_folder(target) as partial:
                shutil.copytree(bundle, partial, dirs_exist_ok=True)


@contextmanager
def _fetched(path: str, digest: str | None, source: str) -> Iterator[tuple[Path, Path]]:
    """A folder with the bundle at its path, and the bundle, verified file by file."""
    with tempfile.TemporaryDirectory(prefix="ihas-bundle-") as name:
        bundle = Artefacts(Path(name), source).local(path, digest)
        yield Path(name).resolve() / CACHE, bundle
