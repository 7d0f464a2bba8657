"""CSV in other encodings than UTF-8, read as UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ihas.config.file_form import Encoding
from ihas.data.sources import raise_unreadable
from ihas.data.streams import BLOCK_BYTES, pieced


def in_utf8(stream: BinaryIO, encoding: Encoding, path: Path) -> BinaryIO:
    """The stream's text in UTF-8; DataError, while it is read, where it is not of this encoding."""
    return pieced(_pieces(stream, encoding, path))


def _pieces(stream: BinaryIO, encoding: Encoding, path: Path) -> Iterator[bytes]:
    decoder, done = codecs.getincrementaldecoder(encoding)(), 0
    while True:
        block = bytes(stream.read(BLOCK_BYTES))
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:  # one without a place: UTF-16 that does not begin with its byte order mark
            place = f"byte {done - held + error.start:,} of the file does not fit" if isinstance(error, UnicodeDecodeError) else f"{error}"
            law = f"The text must be {encoding}, as `encoding` says, but {place}. State the one it has."
            raise_unreadable(path, law, "wrong_encoding")
        yield text.encode()
        if not block:
            return
        done += len(block)
