"""JSON lines: pyarrow reads them; where that fails, Python's json module finds the rows and columns at fault."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.json

from ihas.data.findings import FindingCollector
from ihas.data.sources import opened, raise_unreadable

_BLOCK_BYTES = 1 << 24


def json_batches(path: Path) -> Iterator[pa.Table]:
    """All rows of a JSON-lines file at once, for any row may show another column or type: see `read_json_lines`."""
    yield read_json_lines(path)


def read_json_lines(path: Path) -> pa.Table:
    """Rows of a JSON-lines file, each an object; a key that a row leaves out is null, a list is a multi-valued cell.

    Raises:
        DataError: empty file, lines that are no JSON object, or columns whose cells have different types.
    """
    try:
        table = _parse(path, {})
        times = {field.name: pa.string() for field in table.schema if pa.types.is_temporal(field.type)}
        table = _parse(path, times) if times else table  # texts that look like times stay as they are written
        table.validate(full=True)  # pyarrow does not look whether a JSON text is UTF-8
        return table
    except pa.ArrowInvalid as error:
        _find_faults(path)
        raise_unreadable(path, f"The rows must be readable as JSON lines, but they are not: {error}.")


def _parse(path: Path, types: dict[str, Any]) -> pa.Table:
    with opened(path) as stream:
        return pyarrow.json.read_json(
            stream,
            read_options=pyarrow.json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pyarrow.json.ParseOptions(explicit_schema=pa.schema(list(types.items())) if types else None),
        )


def _find_faults(path: Path) -> None:
    findings = FindingCollector()
    types: dict[str, str] = {}
    row = 0
    for row, line in enumerate(_lines(path), start=1):
        content = _object(line, row, findings)
        for column, value in content.items():
            kind = _kind(value)
            first = types.setdefault(column, kind) if kind else kind
            if kind != first:
                law = f"Cells of a column must have one type, but this one is a {kind} where an earlier one is a {first}."
                findings.add("mixed_types", f"{law} Write all of them alike.", row=row, column=column)
    if row == 0:
        raise_unreadable(path, "The file must have a JSON object on each line, but it is empty.", "empty_file")
    findings.raise_errors(f"{path.name} cannot be read as JSON lines")


def _lines(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        yield from (line for line in io.BufferedReader(cast("io.RawIOBase", stream)) if line.strip())


def _object(line: bytes, row: int, findings: FindingCollector) -> dict[str, Any]:
    try:
        content = json.loads(line, object_pairs_hook=lambda pairs: _unique(pairs, row, findings))
    except UnicodeDecodeError as error:
        findings.add(
            "wrong_encoding", f"The text must be UTF-8, but byte {error.start} of this line is not. Save the file as UTF-8.", row=row
        )
        return {}
    except ValueError as error:
        findings.add("invalid_json", f"Every line must be a JSON object, but this one is no JSON: {error}.", row=row)
        return {}
    if not isinstance(content, dict):
        findings.add("invalid_json", f"Every line must be a JSON object, but this one is {line[:80]!r}.", row=row)
        return {}
    return content


def _unique(pairs: list[tuple[str, Any]], row: int, findings: FindingCollector) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        repeated = next(key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1)
        findings.add("duplicate_column", "A key must occur once in a line, but this one occurs again.", row=row, column=repeated)
    return content


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return kinds.get(type(value), "")
