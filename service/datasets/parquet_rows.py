"""Rows as Parquet, piece by piece; looked up when it is asked for, since what answers requests needs no pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "number": pa.float64(),
    "integer": pa.int64(),
    "truth": pa.bool_(),
}


class Drain(io.RawIOBase):
    """A file that is only written, and whose bytes are taken as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def write(self, piece: Any) -> int:
        """See `io.RawIOBase`."""
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        """What was written since."""
        found = b"".join(self._pieces)
        self._pieces.clear()
        return found


def pieces(columns: Mapping[str, str], blocks: Iterable[Sequence[Mapping[str, Any]]], notes: Mapping[str, str]) -> Iterator[bytes]:
    """A Parquet file, one row group a block.

    Args:
        columns: kind of each column.
        blocks: rows.
        notes: what the file says of itself.
    """
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()], metadata=dict(notes.items()))
    drain = Drain()
    with pq.ParquetWriter(pa.PythonFile(drain, mode="w"), schema, compression="zstd") as writer:
        for block in blocks:
            writer.write_table(pa.Table.from_pylist(list(block), schema=schema))
            yield drain.take()
    yield drain.take()
