"""How a file is compressed, told by its suffix or else by its first bytes, and the one file that a zip archive holds."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, Literal

from ihas.errors import DataError
from ihas.findings import Finding

Compression = Literal["gzip", "zstd", "zip"]
_SUFFIXES: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_SIGNATURES: dict[bytes, Compression] = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_NAMES_TOLD = 5


def compression_of(path: Path) -> Compression | None:
    """By the last suffix, or by the first bytes where that says nothing; None for a plain file, and where there is no file."""
    stated = _SUFFIXES.get(path.suffix.lower())
    if stated is not None:
        return stated
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return None
    return next((kind for signature, kind in _SIGNATURES.items() if start.startswith(signature)), None)


def says_so(path: Path) -> str:
    """What says that a file is compressed, for a person."""
    return "its suffix says" if path.suffix.lower() in _SUFFIXES else "its first bytes say"


def inner_names(path: Path) -> tuple[PurePath, ...]:
    """Names whose suffix may say the format of what is inside: without `.gz` or `.zst`; of a zip archive the one file's, and its own.

    Raises:
        DataError: an archive that is damaged, or holds not one file.
    """
    if path.suffix.lower() in _SUFFIXES:
        return (path.with_suffix(""),)
    if compression_of(path) != "zip":
        return (path,)
    with _archive(path) as archive:
        return PurePath(_only_file(archive, path).filename), path


@contextmanager
def zip_stream(path: Path) -> Iterator[Any]:
    """Bytes of the one file in a zip archive; DataError as `inner_names`, and where its checksum or its end is wrong, while it is read."""
    with _archive(path) as archive, archive.open(_only_file(archive, path)) as stream:
        yield stream


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zipfile.LargeZipFile) as error:
        raise _refused(path, f"The file must be an intact zip archive, as its first bytes say, but it is not: {error}.") from error


def _only_file(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    names = archive.namelist()
    if any(name == "[Content_Types].xml" or name.startswith("xl/") for name in names):
        raise _refused(path, "The file is an Excel workbook or another document. Save the sheet as CSV.", "other_format")
    files = [one for one in archive.infolist() if not one.is_dir() and not _is_of_the_system(one.filename)]
    if len(files) != 1:
        told = ", ".join(one.filename for one in files[:_NAMES_TOLD]) or "none"
        raise _refused(path, f"A zip archive must hold one file, but holds {len(files)}: {told}. Unpack it into a folder, and name that.")
    if files[0].flag_bits & 1:
        raise _refused(path, "A zip archive must not be encrypted, but this one is. Unpack it first.")
    return files[0]


def _is_of_the_system(name: str) -> bool:
    """Whether a file in an archive is one that a file manager adds."""
    return name.startswith("__MACOSX/") or PurePath(name).name in (".DS_Store", "Thumbs.db")


def _refused(path: Path, reason: str, code: str = "unreadable_file") -> DataError:
    return DataError(f"{path.name} cannot be read: {reason}", [Finding(code=code, severity="error", message=reason)])
