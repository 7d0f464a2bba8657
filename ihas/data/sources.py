"""Files as streams of bytes, decompressed; faults as data errors."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

import pyarrow as pa

from ihas.data.containers import compression_of, says_so, zip_stream
from ihas.data.streams import limited
from ihas.errors import DataError
from ihas.findings import Finding

_SIGNATURES = {
    b"\x1f\x8b": ("gzip", "Add .gz to its name"),
    b"\x28\xb5\x2f\xfd": ("zstd", "Add .zst to its name"),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "Save the sheet as CSV"),
    b"PAR1": ("Parquet", "Name it .parquet, or set `format` to 'parquet'"),
    b"ARROW1": ("an Arrow (Feather) file", "Write it as Parquet"),
    b"ORC": ("ORC", "Write it as Parquet"),
    b"Obj\x01": ("Avro", "Write it as Parquet"),
    b"BZh": ("bzip2", "Compress it with gzip or zstd"),
    b"\xfd7zXZ": ("xz", "Compress it with gzip or zstd"),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV"),
}
_SIGNATURE_BYTES = 64
CHUNK = 2**20
MIN_BOUND, MAX_RATIO = 2**30, 1_100
"""Bytes that every compressed file may unpack to, and how often its own size a larger one may."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's decompressed bytes.

    Raises:
        DataError: no such file, not a file, not allowed to read it, or damaged compression, also while the block runs.
    """
    compression = compression_of(path)
    try:
        if compression == "zip":
            with zip_stream(path) as stream:
                yield limited(stream, _bound(path), path)
            return
        with pa.OSFile(str(path), "rb") as file:
            if compression is None:
                yield cast("BinaryIO", file)
                return
            with pa.CompressedInputStream(file, compression) as stream:
                yield cast("BinaryIO", stream) if compression == "gzip" else limited(stream, _bound(path), path)
    except (OSError, zlib.error) as error:
        raise_unreadable(path, _reason(path, error))


def _bound(path: Path) -> int:
    """Bytes beyond which a file is one made to be unpacked to too much; gzip has such a bound in itself."""
    return max(MIN_BOUND, MAX_RATIO * path.stat().st_size)


def check_readable(path: Path) -> None:
    """DataError where the path is no file, or may not be read."""
    with opened(path) as stream:
        stream.read(1)


def check_expansion(path: Path, at_most: int) -> None:
    """Unpack a compressed file as far as the limit, keeping nothing, before anything is made of it.

    Raises:
        DataError: it holds more than `at_most` bytes, or its compression is damaged.
    """
    if compression_of(path) is None:
        return
    found = 0
    with opened(path) as stream:
        while found <= at_most and (part := stream.read(CHUNK)):
            found += len(part)
    if found > at_most:
        raise_unreadable(path, f"Unpacked it must have at most {at_most:,} bytes, but it has more. Send it in parts.", "too_large_unpacked")


def check_signature(path: Path, is_read_as: str) -> None:
    """DataError where the first bytes say that the file is of another kind than the one it is read as, such as `csv`."""
    with opened(path) as stream:
        start = stream.read(_SIGNATURE_BYTES)
    for signature, (kind, remedy) in _SIGNATURES.items():
        if start.startswith(signature) and _is_binary(start) and kind.lower() != is_read_as:
            inside = " once unpacked" if compression_of(path) else ""
            law = f"The file must be {is_read_as}, as its name or `format` says, but its first bytes{inside} are those of {kind}. {remedy}."
            raise_unreadable(path, law, "other_format")


def raise_unreadable(path: Path, reason: str, code: str = "unreadable_file") -> NoReturn:
    """DataError about the whole file."""
    raise DataError(f"{path.name} cannot be read: {reason}", [Finding(code=code, severity="error", message=reason)])


def _is_binary(start: bytes) -> bool:
    return any(byte < 9 or 13 < byte < 32 for byte in start)


def _reason(path: Path, error: OSError | zlib.error) -> str:
    if isinstance(error, FileNotFoundError):
        return "There must be a file at this path, but there is none. Check `path`; it is relative to where iHAS was started."
    if path.is_dir():
        return "The path must be a file, but it is a folder. Name one file in it."
    if compression_of(path) is not None:
        return f"The file must be intact {compression_of(path)}, as {says_so(path)}, but it is not: {error}. Copy or compress it again."
    return f"The file must be readable, but it is not: {getattr(error, 'strerror', None) or error}. Check its permissions and the disk."
