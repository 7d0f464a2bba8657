"""The page that names every file of a bundle, with its checksum.

`manifest.json` lists all other files; `manifest.sha256` is the manifest's own checksum, in the form that
`sha256sum --check` reads. Together they make every byte of the folder accountable.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import msgspec

from ihas.errors import BundleCorruptError, BundleVersionError
from ihas.folders import file_digest
from ihas.routing.router import PointsOf

FORMAT_NAME = "ihas-bundle"
FORMAT_VERSION = 6
WITHOUT_TASKS = 5
WITHOUT_HASHES = 4
WITHOUT_USERS = 3
WITHOUT_SUMS = 2
READABLE_VERSIONS = (1, WITHOUT_SUMS, WITHOUT_USERS, WITHOUT_HASHES, WITHOUT_TASKS, FORMAT_VERSION)
"""Version 1 has no two-sided models; such a bundle serves every row whole. Version 2 has no sums that say the group, no models that
share a table, and no calibration: it is written where there are none, so that version 0.1 reads it. Version 3 has no users, no columns
that are only displayed, no timestamps, no rule for labels and no piecewise fields.
Version 4 has no texts, no hashed fields, no vectors, no days between times, no negatives that were left out and no labels that are
numbers. Version 5 has one label."""
GROUPED = "grouped"
FALLBACK = "fallback.safetensors"
MANIFEST = "manifest.json"
MANIFEST_CHECKSUM = "manifest.sha256"

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_Manifest = TypeVar("_Manifest", bound=msgspec.Struct)
_WAY_OUT = "Copy the bundle again, or write it anew from its run."
_FILE_NAME = re.compile(r"(?:(?:tables|paths|splits)/)?[a-z0-9][a-z0-9_-]{0,79}\.(?:json|npy|onnx|safetensors)")


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its name in the bundle, the SHA-256 of its bytes in hexadecimal digits, and its length in bytes."""

    name: str
    sha256: str
    bytes: int


class TwoSidedEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group model's two sides: the files of its kernel and bias, and of its graph, and whether it has squares."""

    arrays: str
    graph: str
    squares: bool


class ModelEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One group model: its name, the shape of its mask, whether it reads the row's gates, its files, its two sides, and whether its table
    holds dimensions that it does not read, as `masks.safetensors` says under its name and `.table`."""

    name: str
    mask_shape: tuple[int, int]
    gated: bool
    graph: str
    table: str
    first_order: str | None
    split: TwoSidedEntry | None = None
    shared_table: bool = False


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bundle consists of.

    Attributes:
        format: `FORMAT_NAME`.
        version: the lowest that says all that is in the bundle.
        ihas_version: version of the package that wrote it; `unknown` where it ran without being installed.
        name: model name.
        created_at: time that the writer was told; None keeps the bundle reproducible to the bit.
        gate_form: name of the form of the router's gates in `ihas.gates.registry`; None without gates.
        clustered_on: what the router's centroids are centroids of; None without centroids.
        router_table: file of the router's embedding table; None without gates and centroids.
        group_sums: file of the numbers per id whose sums say the group; None where the nearest centroid does.
        paths: the models, in the order that `path_of_group` counts.
        path_of_group: position in `paths`, for each group.
        files: every file but the manifest and its checksum.
    """

    format: str = FORMAT_NAME
    version: int = FORMAT_VERSION
    ihas_version: str
    name: str
    created_at: str | None
    gate_form: str | None
    clustered_on: PointsOf | None
    router_table: str | None
    group_sums: str | None = None
    paths: tuple[ModelEntry, ...]
    path_of_group: tuple[int, ...]
    files: tuple[FileEntry, ...]


class DataManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bundle of another kind than `grouped` consists of.

    Attributes:
        kind: what the bundle is; says who can read it.
        format, version, ihas_version, name, created_at, files: as in `Manifest`; nothing here needs more than version 2.
    """

    format: str = FORMAT_NAME
    version: int = WITHOUT_SUMS
    kind: str
    ihas_version: str
    name: str
    created_at: str | None
    files: tuple[FileEntry, ...]


class _Header(msgspec.Struct, frozen=True):
    """The keys that every version has, and the kind, which bundles of groups leave out."""

    format: str
    version: int
    kind: str = GROUPED


def package_version() -> str:
    """Version of the installed package, or `unknown` where it runs without being installed."""
    try:
        return version("ihas")
    except PackageNotFoundError:
        return "unknown"


def encode_manifest(manifest: Manifest | DataManifest) -> dict[str, bytes]:
    """The manifest's two files: name to content."""
    tree = msgspec.to_builtins(manifest)
    if manifest.version == WITHOUT_SUMS and isinstance(manifest, Manifest):  # version 0.1 refuses keys that it does not know
        del tree["group_sums"]
        for model in tree["paths"]:
            del model["shared_table"]
    content = msgspec.json.format(msgspec.json.encode(tree), indent=2) + b"\n"
    return {MANIFEST: content, MANIFEST_CHECKSUM: _checksum_line(content)}


def bundle_kind(folder: Path) -> str:
    """Kind of a bundle; errors as `read_manifest`, but for names."""
    return _checked_header(folder)[1].kind


def read_manifest(folder: Path) -> Manifest:
    """Manifest of a bundle of groups, checked against its own checksum.

    Raises:
        BundleCorruptError: a file is missing, the checksum differs, or a name is not one that a bundle may use.
        BundleVersionError: written in another format, or of another kind.
    """
    manifest = _decoded(folder, GROUPED, Manifest)
    _check_names(manifest)
    _check_models(manifest)
    return manifest


def read_data_manifest(folder: Path, kind: str) -> DataManifest:
    """Manifest of a bundle of another kind; errors as `read_manifest`."""
    manifest = _decoded(folder, kind, DataManifest)
    _check_names(manifest)
    return manifest


def listed_files(folder: Path) -> tuple[FileEntry, ...]:
    """Files that the manifest of a bundle of any kind lists, each under a name that a bundle's file may have; errors as `read_manifest`."""
    kind = bundle_kind(folder)
    return read_manifest(folder).files if kind == GROUPED else read_data_manifest(folder, kind).files


def manifest_digest(folder: Path) -> str:
    """SHA-256 of a bundle's manifest, in hexadecimal digits; BundleCorruptError where it is missing."""
    return hashlib.sha256(_read(folder, MANIFEST)).hexdigest()


def check_digest(folder: Path, registered: str | None) -> None:
    """Compare a bundle with the digest of its manifest that was noted when it was registered; None is no note and passes.

    Raises:
        BundleCorruptError: it is another bundle, or its manifest is missing.
    """
    if registered is None:
        return
    found = manifest_digest(folder)
    if found != registered:
        law = f"`{MANIFEST}` must be the one that was registered, with SHA-256 {registered}, but has {found}"
        raise BundleCorruptError(f"{law}. Copy the bundle again from where it was made, or register what is there as a new version.")


def verify_files(folder: Path, manifest: Manifest | DataManifest) -> None:
    """Compare every file of the folder with the manifest.

    Raises:
        BundleCorruptError: a file is missing, extra, a link, of another length, or has other bytes.
    """
    for fault in file_faults(folder, manifest).values():
        raise fault


def file_faults(folder: Path, manifest: Manifest | DataManifest) -> dict[str, BundleCorruptError]:
    """Listed files that are not as they were written, each with its fault.

    Raises:
        BundleCorruptError: a file is not listed.
    """
    listed = {entry.name for entry in manifest.files} | {MANIFEST, MANIFEST_CHECKSUM}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    for name in sorted(present - listed):
        raise BundleCorruptError(f"`{name}` is not part of the bundle in {folder}. {_WAY_OUT}")
    faults = {}
    for entry in manifest.files:
        try:
            if entry.name not in present:
                raise BundleCorruptError(f"`{entry.name}` is missing from the bundle in {folder}. {_WAY_OUT}")
            verify_file(folder / entry.name, entry)
        except BundleCorruptError as error:
            faults[entry.name] = error
    return faults


def model_files(model: ModelEntry) -> set[str]:
    """Files that a group model is read from; several may share a table."""
    files = {model.graph, model.table} | (set() if model.first_order is None else {model.first_order})
    return files if model.split is None else files | {model.split.arrays, model.split.graph}


def router_files(manifest: Manifest) -> set[str]:
    """Tables that rows are routed by."""
    return {name for name in (manifest.router_table, manifest.group_sums) if name is not None}


def file_entry(name: str, content: bytes) -> FileEntry:
    """Entry of a file with this content."""
    return FileEntry(name, hashlib.sha256(content).hexdigest(), len(content))


def _checksum_line(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise BundleCorruptError(f"`{name}` is missing from the bundle in {folder}. {_WAY_OUT}")
    return path.read_bytes()


def _checked_header(folder: Path) -> tuple[bytes, _Header]:
    content = _read(folder, MANIFEST)
    if _read(folder, MANIFEST_CHECKSUM) != _checksum_line(content):
        raise BundleCorruptError(f"`{MANIFEST}` must have the checksum in `{MANIFEST_CHECKSUM}`, but one of the two changed. {_WAY_OUT}")
    try:
        header = msgspec.json.decode(content, type=_Header)
    except msgspec.MsgspecError as error:
        raise BundleCorruptError(f"`{MANIFEST}` cannot be read: {error}. {_WAY_OUT}") from error
    _check_version(header)
    return content, header


def _decoded(folder: Path, kind: str, of: type[_Manifest]) -> _Manifest:
    content, header = _checked_header(folder)
    if header.kind != kind:
        raise BundleVersionError(f"This reads bundles of the kind {kind!r}, but got {header.kind!r}. Read it by `load_recommender`.")
    try:
        return msgspec.json.decode(content, type=of)
    except msgspec.MsgspecError as error:
        raise BundleCorruptError(f"`{MANIFEST}` cannot be read: {error}. {_WAY_OUT}") from error


def _check_version(header: _Header) -> None:
    if header.format != FORMAT_NAME or header.version not in READABLE_VERSIONS:
        raise BundleVersionError(
            f"A bundle must be of format {FORMAT_NAME}, version 1 to {FORMAT_VERSION}, but got {header.format}, version {header.version}. "
            "Serve it with the iHAS version that wrote it, or write it anew from its run."
        )


def _check_names(manifest: Manifest | DataManifest) -> None:
    names = [entry.name for entry in manifest.files]
    _refuse([name for name in names if not _FILE_NAME.fullmatch(name) or names.count(name) > 1])


def _check_models(manifest: Manifest) -> None:
    wrong = [model.name for model in manifest.paths if not MODEL_NAME.fullmatch(model.name)]
    used = set().union(*map(model_files, manifest.paths))
    _refuse(wrong + sorted((used | router_files(manifest)) - {entry.name for entry in manifest.files}))


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise BundleCorruptError(f"`{MANIFEST}` must name plain files, each once and each listed, but got {wrong}. {_WAY_OUT}")


def verify_file(path: Path, entry: FileEntry) -> None:
    """Compare one file with its entry; errors as `verify_files`."""
    if path.is_symlink() or not path.is_file():
        raise BundleCorruptError(f"`{entry.name}` must be a regular file. {_WAY_OUT}")
    length = path.stat().st_size
    if length != entry.bytes:
        raise BundleCorruptError(f"`{entry.name}` must have {entry.bytes} bytes, but has {length}. {_WAY_OUT}")
    digest = file_digest(path)
    if digest != entry.sha256:
        raise BundleCorruptError(f"`{entry.name}` must have SHA-256 {entry.sha256}, but has {digest}. {_WAY_OUT}")
