"""JSON lines: pyarrow reads them; what it cannot read, or not to the last digit, is read by `ihas.data.json_exact`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from ihas.data.columns import LIST
from ihas.data.json_exact import read_exactly
from ihas.data.json_nesting import nests_deeply
from ihas.data.reading import ReadOptions
from ihas.data.sources import opened
from ihas.data.value_types import is_any_list

_BLOCK_BYTES = 1 << 24
_EXACT_INTEGER = 2.0**53


def read_json_lines(path: Path, options: ReadOptions | None = None) -> pa.Table:
    """Rows of a JSON-lines file, each an object; a key that a row leaves out is null, a list is a multi-valued cell.

    Raises:
        DataError: empty file, lines that are no JSON object, or columns whose cells have different types.
    """
    options = options or ReadOptions()
    if nests_deeply(path):
        return read_exactly(path, options)  # pyarrow ends the process at some 10,000 brackets
    try:
        table = _parse(path, {})
        times = {field.name: text for field in table.schema if (text := _text_of_times(field.type)) is not None}
        table = _parse(path, times) if times else table  # texts that look like times stay as they are written
        table.validate(full=True)  # pyarrow does not look whether a JSON text is UTF-8
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # the latter where a column's first lists come after a block without any
        return read_exactly(path, options)
    rounded = [name for name in table.column_names if options.needs(name) and _may_be_rounded(table.column(name))]
    exact = read_exactly(path, options, rounded) if rounded else table
    for name in rounded:
        table = table.set_column(table.column_names.index(name), name, exact.column(name))
    return table


def _parse(path: Path, types: dict[str, Any]) -> pa.Table:
    with opened(path) as stream:
        return pyarrow.json.read_json(
            stream,
            read_options=pyarrow.json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pyarrow.json.ParseOptions(explicit_schema=pa.schema(list(types.items())) if types else None),
        )


def _text_of_times(data_type: Any) -> Any:
    """The type to read instead, where pyarrow takes texts for times."""
    if is_any_list(data_type):
        return LIST if pa.types.is_temporal(data_type.value_type) else None
    return pa.string() if pa.types.is_temporal(data_type) else None


def _may_be_rounded(column: Any) -> bool:
    """Whether integers of more digits than a float keeps may have gone through one."""
    values = pc.list_flatten(column) if is_any_list(column.type) else column
    return bool(pa.types.is_float64(values.type) and np.any(np.abs(values.drop_null().to_numpy()) >= _EXACT_INTEGER))
