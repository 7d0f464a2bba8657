"""Fields of users, or of items, in a file: JSON lines, CSV with a header, or Parquet, as it is or compressed with gzip."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ihas.data.cells import cell_text
from ihas.errors import DataError
from ihas.findings import Finding
from ihas_service.client.batching import Batch, batched
from ihas_service.client.event_file import rows_of_file

BATCH_BYTES = 800_000
"""Bytes of the JSON of a request's users or items."""


def put_batches(path: Path, noun: str, column: str) -> Iterator[Batch]:
    """The rows of a file, in order.

    Args:
        path: the file. A row is either `{NOUN: ..., "fields": {...}}`, or the id in a column and fields in the others, in which an empty
            cell is a missing value.
        noun: `user` or `item`.
        column: of the id, in rows without `fields`.

    Raises:
        DataError: a row cannot be read, or names nobody; says which, after the rows before it were given.
    """
    rows = (_row(number, row, noun, column) for number, row in enumerate(rows_of_file(path), start=1))
    return batched(rows, lambda _, row: len(json.dumps(row, ensure_ascii=False).encode()), BATCH_BYTES)


def _row(number: int, row: Mapping[str, Any], noun: str, column: str) -> dict[str, Any]:
    if isinstance(row.get("fields"), dict):
        return dict(row)
    named = row.get(column)
    text = cell_text(named) if isinstance(named, str | int | float) else None
    if text is None:
        law = f"Row {number:,} must name the {noun} in the column {column!r}, but its columns are {', '.join(map(repr, row))[:200]}."
        law += f" Name the column of the {noun} (`--{noun}`)."
        raise DataError(law, [Finding.model_validate({"severity": "error", "code": "fields", "message": law, "row": number})])
    return {noun: text, "fields": {name: None if value == "" else value for name, value in row.items() if name != column}}
