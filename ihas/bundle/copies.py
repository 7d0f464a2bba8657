"""Bundles that share files on disk: copies of a bundle, and the same bundle with another summary, by links where the disk has them."""

from __future__ import annotations

import os
import shutil
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from ihas.bundle.files import check_new, json_file
from ihas.bundle.manifest import encode_manifest, file_entry, read_manifest
from ihas.errors import BundleError
from ihas.folders import new_folder

SUMMARY = "summary.json"
Known = MutableMapping[str, Path]
"""Files by the SHA-256 of their bytes, which may be linked to."""


def write_with_summary(source: Path, folder: Path, summary: dict[str, Any], known: Known) -> None:
    """Write a bundle of groups anew with another summary; every other file is linked to one with the same bytes.

    Args:
        source: the bundle.
        folder: where; it must not exist yet.
        summary: JSON values.
        known: files that may be linked to instead of the source's; this bundle's are added.

    Raises:
        BundleError: the folder exists.
        BundleCorruptError: the manifest cannot be read.
    """
    check_new(folder)
    manifest, content = read_manifest(source), json_file(summary)
    files = tuple(file_entry(SUMMARY, content) if entry.name == SUMMARY else entry for entry in manifest.files)
    with new_folder(folder) as partial:
        for entry in manifest.files:
            if entry.name != SUMMARY:
                link(known.setdefault(entry.sha256, source / entry.name), partial / entry.name)
        for name, written in ({SUMMARY: content} | encode_manifest(msgspec.structs.replace(manifest, files=files))).items():
            (partial / name).write_bytes(written)


def copy_bundle(source: Path, folder: Path) -> None:
    """Copy a bundle, files linked where the disk can; whole or not at all.

    Raises:
        BundleError: there is no such bundle, or the folder exists.
    """
    check_new(folder)
    if not source.is_dir():
        raise BundleError(f"A bundle is a folder, but there is none at {source}.")
    with new_folder(folder) as partial:
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink():
                link(path, partial / path.relative_to(source))


def link(file: Path, target: Path) -> None:
    """Another name for a file, its folder included; a copy where the disk has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(file, target)
