"""Files of rows of what was shown, written piece by piece as the rows come, so that no more than a block of them is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import msgspec

from ihas_service.datasets.event_rows import EventRows
from ihas_service.errors import ConflictError
from ihas_service.storage.shown_rows import RowsAsked, ShownRow

FileForm = Literal["parquet", "jsonl"]
MEDIA: Mapping[str, str] = {"parquet": "application/vnd.apache.parquet", "jsonl": "application/x-ndjson"}
BLOCK_ROWS, BLOCK_BYTES = 10_000, 2**23
"""Rows, and bytes of their contexts, that are in memory at once."""
LINES = 500
"""Lines of JSON that are sent at once."""


def best_form() -> FileForm:
    """Parquet where it can be written, else JSON lines."""
    return "jsonl" if find_spec("pyarrow") is None else "parquet"


@dataclass(frozen=True)
class EventFile:
    """A file of rows.

    Attributes:
        form: its format.
        rows: says what the columns are.
        asked: which rows they are; Parquet says so of itself.
    """

    form: FileForm
    rows: EventRows
    asked: RowsAsked

    def __post_init__(self) -> None:
        if self.form == "parquet" and best_form() != "parquet":
            raise ConflictError("Parquet is written by pyarrow, which this service has not. Ask for `jsonl`, or install ihas[train].")

    def pieces(self, shown: Iterator[ShownRow]) -> Iterator[bytes]:
        """The bytes of the file."""
        return self._parquet(shown) if self.form == "parquet" else self._lines(shown)

    def _lines(self, shown: Iterator[ShownRow]) -> Iterator[bytes]:
        encoder = msgspec.json.Encoder()
        for block in _blocks(shown, LINES):
            yield b"".join(encoder.encode(self.rows.row(row)) + b"\n" for row in block)

    def _parquet(self, shown: Iterator[ShownRow]) -> Iterator[bytes]:
        columns = {column.name: column.kind for column in self.rows.columns}
        blocks = ([self.rows.row(row) for row in block] for block in _blocks(shown, BLOCK_ROWS))
        found: Iterator[bytes] = import_module("ihas_service.datasets.parquet_rows").pieces(columns, blocks, {"ihas": self._notes})
        return found

    @property
    def _notes(self) -> str:
        said: dict[str, Any] = {name: getattr(self.asked, name) for name in ("model", "since", "as_of", "window_s", "open")}
        return msgspec.json.encode({**said, "until": self.asked.end, "positive": str(self.asked.positive)}).decode()


def _blocks(shown: Iterator[ShownRow], most: int) -> Iterator[list[ShownRow]]:
    block: list[ShownRow] = []
    size = 0
    for row in shown:
        block.append(row)
        size += len(row.context)
        if len(block) >= most or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
