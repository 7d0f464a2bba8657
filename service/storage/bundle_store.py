"""Where bundles lie: in the service's folder, or in a store that fsspec reaches, such as one that speaks S3.

A bundle is written file by file, its manifest last, and is read into the local cache whole or not at all; every byte is verified when
it is loaded, so that a store that loses or changes something is found out.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

from ihas.errors import BundleError
from ihas.folders import new_folder

LAST = ("manifest.json", "manifest.sha256")
CACHE = "cache"


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
        """Bring a bundle into the store; once more overwrites what an interrupted try left."""
        if self._store is None:
            return
        folder = self._folder / path
        files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
        for name in sorted(files, key=lambda name: name in LAST):
            target = f"{self._root}/{path}/{name}"
            self._store.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._store.put_file(str(folder / name), target)

    def local(self, path: str) -> Path:
        """A folder on this machine with the bundle in it.

        Raises:
            BundleError: the store has no such bundle, or is out of reach.
        """
        here = self._folder / path
        if self._store is None or here.is_dir():
            return here
        cached = self._folder / CACHE / path
        if not cached.is_dir():
            try:
                self._fetch(path, cached)
            except (OSError, ValueError) as error:
                raise BundleError(f"The store of bundles gave none: {type(error).__name__}. The service's log says more.") from error
        return cached

    def forget(self, path: str) -> bool:
        """Remove a bundle from the cache, so that it is read from the store again; whether it was there."""
        cached = self._folder / CACHE / path
        if self._store is None or not cached.is_dir():
            return False
        shutil.rmtree(cached, ignore_errors=True)
        return True

    def _fetch(self, path: str, cached: Path) -> None:
        source = f"{self._root}/{path}"
        self._store.invalidate_cache()
        files = [str(found) for found in self._store.find(source)]
        if not files:
            raise FileNotFoundError(source)
        cached.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(cached) as partial:
            for found in files:
                name = found.partition(f"{path}/")[2]
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                self._store.get_file(found, str(partial / name))
