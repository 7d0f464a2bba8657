"""A bundle as a folder of data: written whole or not at all, read only where every byte is as written."""

from __future__ import annotations

from pathlib import Path

from ihas.bundle import values
from ihas.bundle.contents import bundle_files
from ihas.bundle.files import check_new
from ihas.bundle.manifest import FALLBACK, Manifest, file_faults, model_files, read_manifest, router_files, verify_files
from ihas.bundle.reader import BundleReader
from ihas.bundle.validation import check_bundle
from ihas.errors import BundleCorruptError, BundleError
from ihas.folders import new_folder


def write_bundle(bundle: values.Bundle, folder: Path, created_at: str | None = None) -> None:
    """Write a bundle: under another name first, forced to disk, then renamed.

    Args:
        bundle: what to write.
        folder: where; it must not exist yet.
        created_at: time to note in the manifest; without it, equal bundles give equal bytes.

    Raises:
        BundleError: the folder exists, or a group model's name is not a plain file name.
        BundleCorruptError: the bundle's parts do not fit each other.
    """
    check_new(folder)
    check_bundle(bundle)
    files = bundle_files(bundle, created_at)
    with new_folder(folder) as partial:
        for name, content in files.items():
            path = partial / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


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


def read_usable(folder: Path) -> tuple[values.Bundle, dict[int, str]]:
    """Read a bundle although files of some groups' own models are broken, where it holds the shared model for them.

    Returns:
        The bundle without the broken models, their groups given to the fallback; and these groups, each with the reason.

    Raises:
        BundleError, BundleCorruptError, BundleVersionError: as `read_bundle`, where anything else is broken or there is no fallback.
    """
    if not folder.is_dir():
        raise BundleError(f"A bundle is a folder, but there is none at {folder}.")
    manifest = read_manifest(folder)
    faults = file_faults(folder, manifest)
    if not faults:
        return read_bundle(folder), {}
    broken = _broken_models(manifest, faults)
    spared = set().union(*(model_files(manifest.paths[position]) for position in broken))
    for name, fault in faults.items():
        if name not in spared or FALLBACK in faults or not (folder / FALLBACK).exists():
            raise fault
    reader = BundleReader(folder, manifest, broken)
    if reader.fallback_model() in broken:
        raise next(iter(faults.values()))
    bundle = reader.bundle()
    check_bundle(bundle)
    return bundle, {group: broken[model] for group, model in enumerate(manifest.path_of_group) if model in broken}


def _broken_models(manifest: Manifest, faults: dict[str, BundleCorruptError]) -> dict[int, str]:
    """Group models with a broken file of their own, by position, each with the reason."""
    broken = {}
    for position, model in enumerate(manifest.paths):
        files = sorted(model_files(model) & faults.keys() - router_files(manifest))
        if files:
            broken[position] = str(faults[files[0]])
    return broken
