"""Folders and files that are whole or absent: written under another name, forced to disk, then renamed; and what a file holds."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from ihas.errors import ConfigError, DataError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A hidden sibling to write into; it becomes `folder` when the block ends well and is removed otherwise.

    What a killed process left of the same folder is removed first, so at most one process may write a folder.

    Raises:
        ConfigError: `folder` exists already.
    """
    if folder.exists() or folder.is_symlink():
        raise ConfigError(f"The folder to write must not exist yet, but {folder.name!r} does. Remove it or name another one.")
    _remove_abandoned(folder)
    partial = folder.with_name(f".{folder.name}.{uuid4().hex}")
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in [*partial.rglob("*"), partial]:
            _sync(path)
        partial.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write or replace a file: readers see the old content or the new, never a part."""
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        partial.write_text(text, encoding="utf-8")
        _sync(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _remove_abandoned(folder: Path) -> None:
    hidden = re.compile(rf"\.{re.escape(folder.name)}\.[0-9a-f]{{32}}")
    for path in folder.parent.glob(".*"):
        if hidden.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def held_still(path: Path) -> Iterator[None]:
    """Refuse a file that a link leads to, or that is exchanged or written while the block reads it.

    Args:
        path: absolute, links followed when it was allowed; that no link lies on it now says that it is still what was allowed.

    Raises:
        DataError: it is.
    """
    before = _plain_file(path)
    yield
    if _plain_file(path) != before:
        raise DataError(f"{path.name} must stay as it is while it is read, but was exchanged or written. Check it again.")


def _plain_file(path: Path) -> tuple[int, ...]:
    """What changes when a file is exchanged or written."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or path.resolve() != path:
        raise DataError(f"{path.name} must be the file that was named, but a link is there now. Put the file back, or name another one.")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@contextmanager
def all_held_still(paths: Iterable[Path]) -> Iterator[None]:
    """`held_still` for several files."""
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(held_still(path))
        yield


def files_digest(paths: Iterable[Path]) -> str:
    """Digest of a table in several files; see `joined_digest`."""
    return joined_digest(map(file_digest, paths))


def joined_digest(digests: Iterable[str]) -> str:
    """Digest of several files by theirs: that of a single file; else sha256 of the hexadecimal digests, a line each."""
    found = list(digests)
    return found[0] if len(found) == 1 else hashlib.sha256("".join(f"{digest}\n" for digest in found).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
