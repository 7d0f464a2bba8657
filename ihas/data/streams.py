"""Streams of bytes that Python makes, in the form in which Arrow reads its own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from ihas.errors import DataError
from ihas.findings import Finding

BLOCK_BYTES = 1 << 20


class Buffered(io.BufferedReader):
    """A stream with the method that Arrow's streams have."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw, BLOCK_BYTES)

    def read_buffer(self, most: int) -> Any:
        """At most so many bytes, as Arrow's streams give them."""
        return pa.py_buffer(self.read(most))


class _Limited(io.RawIOBase):
    """A stream that ends with an error once more bytes came than a limit."""

    def __init__(self, stream: Any, at_most: int, path: Path) -> None:
        self._stream, self._left, self._at_most, self._path = stream, at_most, at_most, path

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        part = self._stream.read(len(target))
        self._left -= len(part)
        if self._left < 0:
            law = f"Unpacked it has more than {self._at_most:,} bytes, far more than any table of its size. Unpack it first if it is sound."
            found = Finding(code="too_large_unpacked", severity="error", message=law)
            raise DataError(f"{self._path.name} cannot be read: {law}", [found])
        target[: len(part)] = part
        return len(part)


def limited(stream: Any, at_most: int, path: Path) -> BinaryIO:
    """The stream's bytes; DataError, while it is read, once they are more than a limit."""
    return cast("BinaryIO", Buffered(_Limited(stream, at_most, path)))


def pieced(pieces: Iterator[bytes]) -> BinaryIO:
    """Pieces of any length as one stream."""
    return cast("BinaryIO", Buffered(_Pieces(pieces)))


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[: len(target)], self._rest[len(target) :]
        target[: len(taken)] = taken
        return len(taken)
