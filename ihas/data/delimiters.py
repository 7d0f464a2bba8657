"""Delimiters of several characters, such as `::`, each read as one that no text has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ihas.data.sources import raise_unreadable
from ihas.data.streams import BLOCK_BYTES, pieced

UNIT = "\x1f"
"""Unit separator of ASCII: stands between cells."""


def unified(stream: BinaryIO, delimiter: bytes, path: Path) -> BinaryIO:
    """The stream with `UNIT` in the place of each delimiter; DataError, while it is read, where it holds `UNIT` itself."""
    return pieced(_pieces(stream, delimiter, path))


def _pieces(stream: BinaryIO, delimiter: bytes, path: Path) -> Iterator[bytes]:
    held, unit = b"", UNIT.encode()
    while block := bytes(stream.read(BLOCK_BYTES)):
        if unit in block:
            law = "A file whose delimiter has several characters must not hold the character U+001F, but this one does"
            raise_unreadable(path, f"{law}. Remove it, or write the file with a delimiter of one character.", "unit_separator")
        *cells, last = (held + block).split(delimiter)
        kept = max(len(last) - len(delimiter) + 1, 0)  # the end may begin a delimiter
        yield b"".join(cell + unit for cell in cells) + last[:kept]
        held = last[kept:]
    yield held
