"""JSON lines by Python's json module: every integer keeps its digits, and every fault has its row and column."""

from __future__ import annotations

import io
import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from ihas.data.cells import cell_text, decimal_text
from ihas.data.columns import TEXT
from ihas.data.findings import FindingCollector
from ihas.data.reading import ReadOptions
from ihas.data.sources import opened, raise_unreadable

_SHOWN = 80


def read_exactly(path: Path, options: ReadOptions, names: Collection[str] | None = None) -> pa.Table:
    """Columns of a JSON-lines file as canonical texts, or as lists of them.

    Args:
        path: the file.
        options: which columns are needed; what is ignored is null.
        names: columns to read; None for all.

    Raises:
        DataError: empty file, lines that are no JSON object, or columns whose cells have different types; names row and column.
    """
    findings, columns, row = FindingCollector(), dict[str, _Column](), 0
    for row, line in enumerate(_lines(path), start=1):
        content = _object(line, row, findings, options)
        for name, value in content.items():
            if options.wants(name) and (names is None or name in names):
                columns.setdefault(name, _Column()).add(row, value if options.needs(name) else None, name, findings)
    if row == 0:
        raise_unreadable(path, "The file must have a JSON object on each line, but it is empty.", "empty_file")
    findings.raise_errors(f"{path.name} cannot be read as JSON lines")
    return pa.table({name: column.values(row) for name, column in columns.items()})


class _Column:
    """Cells of a column as they come: a code for each distinct text, and where each row's codes begin."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._codes = array("i")
        self._rows = array("q")
        self._kind = ""
        self._is_list = False

    def add(self, row: int, value: Any, name: str, findings: FindingCollector) -> None:
        kind = _kind(value)
        self._kind = self._kind or kind
        if kind and kind != self._kind:
            law = f"Cells of a column must have one type, but this one is a {kind} where an earlier one is a {self._kind}."
            findings.add("mixed_types", f"{law} Write all of them alike.", row=row, column=name)
        self._is_list |= kind == "list"
        for part in value if isinstance(value, list) else (value,):
            text = _text(part, row, name, findings)
            if text is not None:
                self._codes.append(self._number.setdefault(text, len(self._number)))
                self._rows.append(row - 1)

    def values(self, num_rows: int) -> Any:
        """All cells, those of rows without the key null."""
        texts = pa.array(list(self._number), pa.string())
        codes, rows = np.frombuffer(self._codes, np.int32), np.frombuffer(self._rows, np.int64)
        if not self._is_list:
            of_row = np.full(num_rows, -1, np.int32)
            of_row[rows] = codes
            return pa.DictionaryArray.from_arrays(pa.array(of_row, pa.int32(), mask=of_row < 0), texts).cast(TEXT)
        offsets: Any = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=num_rows))]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts.take(pa.array(codes, pa.int32())))


def _text(value: Any, row: int, name: str, findings: FindingCollector) -> str | None:
    if isinstance(value, list | dict):
        law = "Cells must be texts, numbers, booleans, or lists of them, but this one holds more."
        findings.add("unsupported_type", f"{law} Write its parts as columns of their own.", row=row, column=name)
        return None
    if isinstance(value, Decimal):
        return decimal_text(value)
    text = cell_text(value)
    if text is not None and any("\ud800" <= letter <= "\udfff" for letter in text):
        law = "A text must be UTF-8, but this one holds half of a pair of surrogates."
        findings.add("wrong_encoding", f"{law} Write the character as UTF-8.", row=row, column=name)
        return None
    return text


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", Decimal: "number", float: "number", str: "text", list: "list", dict: "object"}
    return kinds.get(type(value), "")


def _lines(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        yield from (line for line in io.BufferedReader(cast("io.RawIOBase", stream)) if line.strip())


def _object(line: bytes, row: int, findings: FindingCollector, options: ReadOptions) -> Mapping[str, Any]:
    try:
        content = json.loads(
            line.decode("utf-8-sig", errors="surrogateescape"),
            object_pairs_hook=lambda pairs: _unique(pairs, row, findings, options),
            parse_int=Decimal,
        )
    except RecursionError:
        findings.add("invalid_json", "Every line must be a JSON object, but the values of this one are nested too deeply.", row=row)
        return {}
    except (ValueError, ArithmeticError) as error:
        findings.add("invalid_json", f"Every line must be a JSON object, but this one is no JSON: {error}.", row=row)
        return {}
    if not isinstance(content, dict):
        findings.add("invalid_json", f"Every line must be a JSON object, but this one is {line[:_SHOWN]!r}.", row=row)
        return {}
    return _in_utf8(content, line, row, findings, options)


def _in_utf8(content: dict[str, Any], line: bytes, row: int, findings: FindingCollector, options: ReadOptions) -> Mapping[str, Any]:
    """The object without the columns that are not needed; of a line with other bytes than UTF-8's in what is needed, nothing."""
    try:
        line.decode("utf-8")
        return content
    except UnicodeDecodeError as error:
        needed = {name: value for name, value in content.items() if options.needs(name)}
        if any("\udc80" <= letter <= "\udcff" for letter in json.dumps(needed, ensure_ascii=False, default=str)):
            law = f"The text must be UTF-8, but byte {error.start} of this line is not."
            findings.add("wrong_encoding", f"{law} Save the file as UTF-8.", row=row)
            return {}
        return needed


def _unique(pairs: list[tuple[str, Any]], row: int, findings: FindingCollector, options: ReadOptions) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        times = Counter(key for key, _ in pairs)
        repeated = next(key for key in times if times[key] > 1)
        if options.needs(repeated):
            findings.add("duplicate_column", "A key must occur once in a line, but this one occurs again.", row=row, column=repeated)
    return content
