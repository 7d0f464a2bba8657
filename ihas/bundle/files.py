"""A bundle of another kind than `grouped`, as files of data: written whole or not at all, read only where every byte is as written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from ihas.bundle.manifest import MANIFEST, DataManifest, encode_manifest, file_entry, package_version, read_data_manifest, verify_files
from ihas.errors import BundleCorruptError, BundleError
from ihas.folders import new_folder


def check_new(folder: Path) -> None:
    """BundleError where the folder that a bundle is to be written to exists."""
    if folder.exists() or folder.is_symlink():
        raise BundleError(f"A bundle is written to a new folder, but {folder} exists. Choose another one, or remove it.")


def write_files(kind: str, name: str, files: Mapping[str, bytes], folder: Path, created_at: str | None = None) -> None:
    """Write a bundle with these files and its manifest: under another name first, forced to disk, then renamed.

    Args:
        kind: what the bundle is.
        name: model name.
        files: content of each file, by its name in the bundle.
        folder: where; it must not exist yet.
        created_at: time to note in the manifest; without it, equal files give equal bytes.

    Raises:
        BundleError: the folder exists.
    """
    check_new(folder)
    entries = tuple(file_entry(file, files[file]) for file in sorted(files))
    manifest = DataManifest(kind=kind, ihas_version=package_version(), name=name, created_at=created_at, files=entries)
    with new_folder(folder) as partial:
        for file, content in (dict(files) | encode_manifest(manifest)).items():
            (partial / file).write_bytes(content)


def verified(folder: Path, kind: str) -> DataManifest:
    """Manifest of a bundle of which every byte is as written.

    Raises:
        BundleError: there is no such folder.
        BundleCorruptError: a file is missing, extra or changed.
        BundleVersionError: written in a format that this version does not read, or of another kind.
    """
    if not folder.is_dir():
        raise BundleError(f"A bundle is a folder, but there is none at {folder}.")
    manifest = read_data_manifest(folder, kind)
    verify_files(folder, manifest)
    return manifest


def json_file(value: Any) -> bytes:
    """A JSON document as a file; equal values give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2) + b"\n"


def tensor_file(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as a safetensors file."""
    return safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


@contextmanager
def reading(name: str) -> Iterator[str]:
    """Say which file it was that could not be understood."""
    try:
        yield name
    except (ValueError, TypeError, KeyError, OSError, msgspec.MsgspecError, safetensors.SafetensorError) as error:
        raise BundleCorruptError(f"`{name}`, listed in `{MANIFEST}`, cannot be read: {error}.") from error
