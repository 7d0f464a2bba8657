"""Events in a file, read in batches: JSON lines, CSV with a header, or Parquet, as it is or compressed with gzip.

A row is an event as the service takes it. Where it has neither `context` nor `recommendation_id`, columns other than those of the event
are its context.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ihas.data.cells import cell_text
from ihas.errors import DataError
from ihas.findings import Finding
from ihas_service.client.batching import AT_ONCE, Batch, batched

BATCH_BYTES = 500_000
"""Bytes of the JSON of a batch's events."""
MAX_LINE = 2**20
"""Characters of a line."""
PARTS = ("recommendation_id", "model", "item_id", "kind", "value", "at")


@dataclass(frozen=True)
class EventColumns:
    """What the file does not say, or calls otherwise.

    Attributes:
        model: of rows that name none.
        kind: of rows that name none.
        item: column of the item.
        at: column of the time.
        value: column of the value.
    """

    model: str | None = None
    kind: str | None = None
    item: str = "item_id"
    at: str = "at"
    value: str = "value"

    def event(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The event that a row says."""
        names = {self.item: "item_id", self.at: "at", self.value: "value"}
        given = {names.get(name, name): value for name, value in row.items() if value is not None and value != ""}
        if "recommendation_id" not in given and "context" not in given:
            given["context"] = {name: given.pop(name) for name in tuple(given) if name not in PARTS}
        if "recommendation_id" not in given and self.model is not None:
            given.setdefault("model", self.model)
        if self.kind is not None:
            given.setdefault("kind", self.kind)
        given |= {name: cell_text(given[name]) for name in ("item_id", "recommendation_id") if _is_number(given.get(name))}
        return given | ({"value": _number(given["value"])} if isinstance(given.get("value"), str) else {})


def batches(path: Path, columns: EventColumns) -> Iterator[Batch]:
    """The events of a file, in order.

    Raises:
        DataError: a row cannot be read; says which, after the rows before it were given.
    """
    return batched(map(columns.event, rows_of_file(path)), _weight, BATCH_BYTES)


def _weight(number: int, event: Mapping[str, Any]) -> int:
    """Bytes of an event's JSON."""
    try:
        return len(json.dumps(event, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError) as error:
        raise _unreadable(number, f"it holds a value that JSON has not ({error})") from error


def rows_of_file(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a file, by the ending of its name.

    Raises:
        DataError: a row cannot be read; says which, after the rows before it were given.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    form = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    if form in (".parquet", ".pq"):
        return _parquet(path)
    if form in (".csv", ".tsv"):
        return _csv(path, "\t" if form == ".tsv" else ",")
    if form in (".jsonl", ".ndjson", ".json"):
        return _json_lines(path)
    raise _unreadable(None, f"a file must end in .jsonl, .csv, .tsv or .parquet, but {path.name!r} does not. Rename it")


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    compressed = path.suffix.lower() == ".gz"
    with gzip.open(path, "rb") if compressed else path.open("rb") as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield text


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    number = 0
    with _opened(path) as file:
        for line in _told(_lines(file)):
            if line.strip():
                number += 1
                yield _object(number, line)


def _lines(file: io.TextIOBase) -> Iterator[str]:
    """Lines, of which none may be endless."""
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith("\n"):
            raise _unreadable(None, f"a line must have at most {MAX_LINE:,} characters. Write one row a line")
        yield line


def _object(number: int, line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _unreadable(number, f"a line must be JSON, but: {error}") from error
    if not isinstance(found, dict):
        raise _unreadable(number, f"a line must be a JSON object, but got {line.strip()[:80]!r}")
    return found


def _csv(path: Path, delimiter: str) -> Iterator[Mapping[str, Any]]:
    with _opened(path) as file:
        reader = csv.DictReader(_lines(file), delimiter=delimiter, strict=True)
        for number, row in enumerate(_told(reader), start=1):
            if None in row or None in row.values():
                count = len(reader.fieldnames or ())
                raise _unreadable(number, f"a row must have {count} cells as the header has, but this one has more or fewer")
            yield row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(AT_ONCE):
                for row in batch.to_pylist():
                    yield {name: _plain(value) for name, value in row.items()}
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(None, f"the file must be Parquet, but: {error}") from error


def _plain(value: Any) -> Any:
    """A cell as JSON has it: times as RFC 3339, in UTC where they name no zone."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _told(rows: Iterable[Any]) -> Iterator[Any]:
    """The rows; where one cannot be read, its number."""
    found, number = iter(rows), 0
    while True:
        number += 1
        try:
            row = next(found)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError, OSError, EOFError) as error:
            raise _unreadable(number, str(error)) from error
        yield row


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> Any:
    """The number that a text spells; the text itself where it spells none, for the service to refuse."""
    try:
        return float(text)
    except ValueError:
        return text


def _unreadable(row: int | None, why: str) -> DataError:
    law = why[0].upper() + why[1:] if row is None else f"Row {row:,} cannot be read: {why}"
    finding = Finding.model_validate({"severity": "error", "code": "events", "message": f"{law}.", "row": row})
    return DataError(f"{law}.", [finding])
