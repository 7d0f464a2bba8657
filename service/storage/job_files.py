"""Files that jobs leave to be shown, in the store of bundles: an API reads them there whose folder is not the workers'.

    a worker    brings what is shown of a job into the store, before the job is said to have ended
    an API      takes a file from its own folder where it is there, else from the store; nothing that was fetched is kept for the next time

Without a store nothing is brought anywhere, and folders are shared. Source: our choice (decision 105).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from ihas.errors import is_disk_full
from ihas_service.errors import StoreError
from ihas_service.storage.bundle_store import CACHE, Artefacts


class JobFiles(Artefacts):
    """Files of jobs by their paths below the service's folder."""

    def show(self, folder: Path, patterns: Iterable[str]) -> None:
        """Bring files of a job's folder into the store; links stay.

        Args:
            folder: of the job.
            patterns: of names, such as `plots/*`.

        Raises:
            StoreError: the store is out of reach or refuses one, whatever its library raised.
        """
        if self._store is None:
            return
        path = folder.resolve().relative_to(self._folder).as_posix()
        found = [file for pattern in patterns for file in sorted(folder.glob(pattern)) if file.is_file() and not file.is_symlink()]
        try:
            for file in found:
                self._put(file, f"{self._root}/{path}/{file.relative_to(folder).as_posix()}")
        except Exception as error:  # a library of stores raises what its own libraries raise
            raise StoreError(f"The store of bundles took no files ({type(error).__name__}). The log says more; try again.") from error

    def shown(self, file: Path) -> Path:
        """A file of a job's folder, here, or fetched; a path to nothing where neither has it.

        Raises:
            StoreError: the store is out of reach.
            OSError: this machine's disk is full.
        """
        if self._store is None or file.parent.is_dir():
            return file
        path = file.resolve().relative_to(self._folder).as_posix()
        fetched = self._folder / CACHE / path
        try:
            self._store.invalidate_cache()
            fetched.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=fetched.parent, prefix=".") as partial:  # two requests may fetch it at once
                self._store.get_file(f"{self._root}/{path}", f"{partial}/{file.name}")
                Path(partial, file.name).replace(fetched)
        except FileNotFoundError:
            return file
        except Exception as error:  # as above
            if is_disk_full(error):
                raise
            raise StoreError(f"The store of bundles gave no file ({type(error).__name__}). The log says more; try again.") from error
        return fetched

    def names(self, folder: Path) -> list[str]:
        """Names of the files that are shown of a folder.

        Raises:
            StoreError: the store is out of reach.
        """
        if self._store is None or folder.parent.is_dir():
            return sorted(file.name for file in folder.glob("*") if file.is_file())
        path = folder.resolve().relative_to(self._folder).as_posix()
        try:
            self._store.invalidate_cache()
            return sorted(name.rpartition("/")[2] for name in self._store.ls(f"{self._root}/{path}", detail=False))
        except FileNotFoundError:
            return []
        except Exception as error:  # as above
            raise StoreError(f"The store of bundles gave no list ({type(error).__name__}). The log says more; try again.") from error
