"""Files as streams of bytes: compression by suffix, faults as data errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn, cast

import pyarrow as pa

from ihas.errors import DataError
from ihas.findings import Finding

_COMPRESSIONS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
CHUNK = 2**20


def compression_of(path: Path) -> Literal["gzip", "zstd"] | None:
    """`gzip` or `zstd` by the last suffix, None for a plain file."""
    return _COMPRESSIONS.get(path.suffix.lower())


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's decompressed bytes.

    Raises:
        DataError: no such file, not a file, not allowed to read it, or damaged compression, also while the block runs.
    """
    try:
        with pa.OSFile(str(path), "rb") as file:
            compression = compression_of(path)
            if compression is None:
                yield cast("BinaryIO", file)
            else:
                with pa.CompressedInputStream(file, compression) as stream:
                    yield cast("BinaryIO", stream)
    except OSError as error:
        raise_unreadable(path, _reason(path, error))


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


def raise_unreadable(path: Path, reason: str, code: str = "unreadable_file") -> NoReturn:
    """DataError about the whole file."""
    raise DataError(f"{path.name} cannot be read: {reason}", [Finding(code=code, severity="error", message=reason)])


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "There must be a file at this path, but there is none. Check `path`; it is relative to where iHAS was started."
    if path.is_dir():
        return "The path must be a file, but it is a folder. Name one file in it."
    if compression_of(path) is not None:
        return f"The file must be intact {compression_of(path)}, as its suffix says, but it is not: {error}. Copy or compress it again."
    return f"The file must be readable, but it is not: {error.strerror or error}. Check its permissions and the disk."
