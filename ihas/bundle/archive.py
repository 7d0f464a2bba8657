"""A bundle as a folder of data: written whole or not at all, read only where every byte is as written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from ihas.bundle import values
from ihas.bundle.contents import bundle_files
from ihas.bundle.manifest import read_manifest, verify_files
from ihas.bundle.reader import BundleReader
from ihas.bundle.validation import check_bundle
from ihas.errors import BundleError


def write_bundle(bundle: values.Bundle, folder: Path, created_at: str | None = None) -> None:
    """Write a bundle: under another name first, forced to disk, then renamed.

    Args:
        bundle: what to write.
        folder: where; it must not exist yet.
        created_at: time to note in the manifest; without it, equal bundles give equal bytes.

    Raises:
        BundleError: the folder exists, or a path's name is not a plain file name.
        BundleCorruptError: the bundle's parts do not fit each other.
    """
    if folder.exists() or folder.is_symlink():
        raise BundleError(f"A bundle is written to a new folder, but {folder} exists. Choose another one, or remove it.")
    check_bundle(bundle)
    files = bundle_files(bundle, created_at)
    partial = folder.parent / f".{folder.name}.{uuid4().hex}"
    try:
        _write_all(partial, files)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(folder.parent)


def read_bundle(folder: Path) -> values.Bundle:
    """Read a bundle; tables stay on disk and are mapped into memory.

    Raises:
        BundleError: there is no such folder.
        BundleCorruptError: a file is missing, extra or changed, or the parts do not fit each other.
        BundleVersionError: written in a format that this version does not read.
    """
    if not folder.is_dir():
        raise BundleError(f"A bundle is a folder, but there is none at {folder}.")
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    bundle = BundleReader(folder, manifest).bundle()
    check_bundle(bundle)
    return bundle


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for part in sorted({(folder / name).parent for name in files}, reverse=True):
        _sync_folder(part)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
