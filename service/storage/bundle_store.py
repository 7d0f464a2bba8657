"""Where bundles lie: in the service's folder, or in a store that fsspec reaches, such as one that speaks S3.

A bundle is written file by file, its manifest last, and is read into the local cache whole or not at all. Nothing that a store says of
itself becomes a path here: the manifest is fetched first and checked, then the files that it lists, each under a name of a bundle's files
and of the length and the bytes that were listed. What else lies in the store stays there.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import structlog
from fsspec.core import url_to_fs

from ihas.bundle.compound import parts_of
from ihas.bundle.manifest import MANIFEST, MANIFEST_CHECKSUM, check_digest, listed_files, verify_file
from ihas.errors import BundleCorruptError, BundleError, is_disk_full
from ihas.folders import new_folder
from ihas_service.errors import StoreError

LAST = (MANIFEST, MANIFEST_CHECKSUM)
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_DEPTH = 3
CACHE = "cache"
STORED = frozenset({"searches", "derived", "estimates", "jobs"})
TRIED = "tried"
"""Folder of the verdicts on bundles, by the digest of their manifest; see `ihas_service.jobs.first_load`."""
REMOVABLE = STORED | {"datasets", TRIED}
MIN_PARTS = 2
LOG = structlog.get_logger(__name__)


class Artefacts:
    """Bundles by their path below the service's folder.

    Args:
        folder: the service's.
        url: of the store, as fsspec writes it; None keeps bundles where the run left them.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self._folder = folder.resolve()
        self._store: Any = None
        self._root = ""
        if url is not None:
            self._store, self._root = url_to_fs(url)

    def publish(self, path: str) -> None:
        """Bring a bundle into the store; once more overwrites what an interrupted try left.

        Raises:
            StoreError: the store is out of reach or refuses it, whatever its library raised.
            BundleError: the bundle holds a link, which could lead anywhere.
            OSError: this machine's disk is full.
        """
        if self._store is None:
            return
        folder = self._folder / path
        found = sorted(folder.rglob("*"))
        for file in found:
            if file.is_symlink():
                raise BundleError(f"A bundle must hold no links, but `{file.relative_to(folder)}` is one. Run the search again.")
        files = [file.relative_to(folder).as_posix() for file in found if file.is_file()]
        try:
            for name in sorted(files, key=lambda name: name in LAST):
                self._put(folder / name, f"{self._root}/{path}/{name}")
        except Exception as error:  # a library of stores raises what its own libraries raise
            if is_disk_full(error):
                raise
            raise StoreError(f"The store of bundles took none ({type(error).__name__}). The log says more; try again.") from error

    def _put(self, file: Path, target: str) -> None:
        self._store.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._store.put_file(str(file), target)

    def local(self, path: str, manifest_sha256: str | None = None) -> Path:
        """A folder on this machine with the bundle in it.

        Args:
            path: of the bundle below the service's folder.
            manifest_sha256: digest that the manifest was registered with; None where none was.

        Raises:
            BundleError: the store has no such bundle, or is out of reach.
            BundleCorruptError: the bundle is not the one that was registered.
        """
        here = self._folder / path
        if self._store is not None and not here.is_dir():
            here = self._cached(path, manifest_sha256)
        if here.is_dir():
            check_digest(here, manifest_sha256)
        return here

    def _cached(self, path: str, manifest_sha256: str | None) -> Path:
        cached = self._folder / CACHE / path
        if cached.is_dir():
            return cached
        try:
            self._store.invalidate_cache()
            cached.parent.mkdir(parents=True, exist_ok=True)
            with new_folder(cached) as partial:
                self._fetch(f"{self._root}/{path}", partial, manifest_sha256)
        except Exception as error:  # a library of stores raises what its own libraries raise
            LOG.warning("the store of bundles gave none", path=path, error=f"{type(error).__name__}: {error}")
            raise BundleError(f"The store of bundles gave none: {type(error).__name__}. The service's log says more.") from error
        return cached

    def forget(self, path: str) -> bool:
        """Remove a bundle from the cache, so that it is read from the store again; whether it was there."""
        cached = self._folder / CACHE / path
        if self._store is None or not cached.is_dir():
            return False
        shutil.rmtree(cached, ignore_errors=True)
        return True

    def remove_here(self, path: str) -> None:
        """Remove a file or folder below the service's folder, and what was fetched of it; what is gone is gone.

        Args:
            path: of a thing of its own, such as `searches/sr_1` or `searches/sr_1/bundle`.

        Raises:
            ValueError: the path may lead elsewhere.
            OSError: something of it stays.
        """
        if not removable(path):
            raise ValueError(f"A path to remove must lie below one of {', '.join(sorted(REMOVABLE))}, but got {path!r}.")
        for place in (self._folder / path, self._folder / CACHE / path):
            if place.is_symlink() or not place.is_dir():
                place.unlink(missing_ok=True)
                continue
            shutil.rmtree(place, ignore_errors=True)
            if place.exists():
                raise OSError(errno.ENOTEMPTY, "Something of it stays", str(place))

    def remove_there(self, path: str) -> None:
        """Remove a folder from the store; one that the store lacks is gone.

        Raises:
            StoreError: the store is out of reach or refuses it, whatever its library raised.
        """
        if self._store is None or path.partition("/")[0] not in STORED:
            return
        try:
            self._store.invalidate_cache()
            if self._store.exists(f"{self._root}/{path}"):
                self._store.rm(f"{self._root}/{path}", recursive=True)
        except FileNotFoundError:
            return
        except Exception as error:  # a library of stores raises what its own libraries raise
            raise StoreError(f"The store of bundles removed nothing ({type(error).__name__}); it is tried again.") from error

    def _fetch(self, source: str, folder: Path, manifest_sha256: str | None, depth: int = 0) -> None:
        """Fetch a bundle and, below it, the bundles that it is made of."""
        if depth > MAX_DEPTH:
            raise BundleCorruptError(f"A bundle may hold others {MAX_DEPTH} deep, but goes on below.")
        for name in LAST:
            self._get(f"{source}/{name}", folder / name, at_most=MAX_MANIFEST_BYTES)
        check_digest(folder, manifest_sha256)
        for entry in listed_files(folder):
            (folder / entry.name).parent.mkdir(exist_ok=True)
            self._get(f"{source}/{entry.name}", folder / entry.name, at_most=entry.bytes)
            verify_file(folder / entry.name, entry)
        for part, digest in parts_of(folder).items():
            (folder / part).mkdir()
            self._fetch(f"{source}/{part}", folder / part, digest, depth + 1)

    def _get(self, source: str, target: Path, at_most: int) -> None:
        size = self._store.size(source)
        if size is None or size > at_most:
            raise BundleCorruptError(f"`{target.name}` must have at most {at_most} bytes, but the store says {size}.")
        self._store.get_file(source, str(target))


def removable(path: str) -> bool:
    """Whether a path below the service's folder is that of a thing that may be removed, or lies in one."""
    parts = PurePosixPath(path).parts
    return len(parts) >= MIN_PARTS and parts[0] in REMOVABLE and ".." not in parts
