"""A bundle made of bundles: each in a folder of its own, named with the checksum of its manifest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ihas.bundle.files import check_new, json_file, reading
from ihas.bundle.manifest import (
    MANIFEST,
    MANIFEST_CHECKSUM,
    MODEL_NAME,
    DataManifest,
    bundle_kind,
    encode_manifest,
    file_entry,
    manifest_digest,
    package_version,
    read_data_manifest,
    verify_file,
)
from ihas.errors import BundleCorruptError
from ihas.folders import new_folder

SETTINGS = "settings.json"
_WAY_OUT = "Copy the bundle again."


class CompoundSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds the parts together.

    Attributes:
        options: JSON values that the kind reads.
        parts: SHA-256 of each part's manifest, by the name of its folder.
    """

    options: dict[str, Any]
    parts: dict[str, str]


def write_compound(kind: str, name: str, options: Mapping[str, Any], parts: Mapping[str, Path], folder: Path) -> None:
    """Copy bundles into one, whole or not at all.

    Args:
        kind: what the whole is.
        name: model name.
        options: JSON values that the kind reads.
        parts: bundles by the name of their folder in the whole.
        folder: where; it must not exist yet.

    Raises:
        BundleError: the folder exists, or a part is no bundle.
    """
    check_new(folder)
    for path in parts.values():
        bundle_kind(path)
    digests = {part: manifest_digest(path) for part, path in parts.items()}
    content = json_file(CompoundSettings(dict(options), digests))
    entries = (file_entry(SETTINGS, content),)
    manifest = DataManifest(kind=kind, ihas_version=package_version(), name=name, created_at=None, files=entries)
    with new_folder(folder) as partial:
        for file, written in ({SETTINGS: content} | encode_manifest(manifest)).items():
            (partial / file).write_bytes(written)
        for part, path in parts.items():
            shutil.copytree(path, partial / part)


def read_compound(folder: Path, kind: str) -> tuple[str, CompoundSettings]:
    """Name and settings of a whole; its parts are where its settings say, with the manifests that they had when they were put together.

    Every other byte of a part is verified by what reads the part.

    Raises:
        BundleCorruptError: a file or a part is missing, extra or changed.
        BundleVersionError: written in a format that this version does not read, or of another kind.
    """
    manifest = read_data_manifest(folder, kind)
    for entry in manifest.files:
        verify_file(folder / entry.name, entry)
    with reading(SETTINGS) as file:
        settings = msgspec.json.decode((folder / file).read_bytes(), type=CompoundSettings)
    present = {path.name for path in folder.iterdir()}
    for name in sorted(present ^ {MANIFEST, MANIFEST_CHECKSUM, SETTINGS, *settings.parts}):
        raise BundleCorruptError(f"`{name}` is {'not part of' if name in present else 'missing from'} the bundle in {folder}. {_WAY_OUT}")
    for part, digest in settings.parts.items():
        if manifest_digest(folder / part) != digest:
            raise BundleCorruptError(f"The part {part!r} in {folder} is not the one that was put there. {_WAY_OUT}")
    return manifest.name, settings


def parts_of(folder: Path) -> dict[str, str]:
    """SHA-256 of each part's manifest by the name of its folder, as the settings of a compound bundle say; empty for any other bundle.

    Raises:
        BundleCorruptError: a part's name is not a plain one.
    """
    try:
        parts = msgspec.json.decode((folder / SETTINGS).read_bytes(), type=CompoundSettings).parts
    except (OSError, msgspec.MsgspecError):
        return {}
    wrong = [part for part in parts if not MODEL_NAME.fullmatch(part)]
    if wrong:
        raise BundleCorruptError(f"`{SETTINGS}` must name plain folders, but got {wrong}. {_WAY_OUT}")
    return parts
