"""Small tables in the form that `read_table` gives, and rows to make them of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from ihas.data.columns import canonical_lists, canonical_texts, one_array
from ihas.errors import DataError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0|"), max_size=6)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.just("TRUE"),
    st.just("7.0"),
)
NUMBERS = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([" 3 ", "+5", ".5", "5.", "1e3", "-2.0"]),
)
LISTS = st.lists(st.sampled_from(["a", "b", "c", " d", "", "e.0", "7.0"]), max_size=5)


def made_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A table of Python values in the form that `read_table` gives."""
    return pa.table({name: _column(values) for name, values in columns.items()})


def fault_places(error: pytest.ExceptionInfo[DataError]) -> list[tuple[str, int | None, str | None]]:
    """Code, row and column of each finding."""
    return [(finding.code, finding.row, finding.column) for finding in error.value.findings]


def written(path: Path, content: bytes | str) -> Path:
    """The path, with the content in it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _column(values: Sequence[Any]) -> Any:
    if any(isinstance(value, list) for value in values):
        array = pa.array([None if cell is None else [_text(value) for value in cell] for cell in values], pa.list_(pa.string()))
        return canonical_lists(one_array(pa.chunked_array([array])))
    return canonical_texts(pa.chunked_array([pa.array([_text(value) for value in values], pa.string())]))


def _text(value: Any) -> str | None:
    """What a typed file says of a value; a float without a fraction has its integer's digits, as in a request."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.1f}"
    return None if value is None else str(value)


BOMB_TEXT = 1_000_000
"""Letters of the text of a bomb."""


def write_bomb(path: Path, rows: int, kind: str = "list") -> None:
    """A small Parquet file of labels, and of cells that each hold the same long text, alone or in a list, a struct or as bytes."""
    codes = pa.array(np.zeros(rows, np.int32))
    text = pa.array(["x" * BOMB_TEXT], pa.binary() if kind == "binary" else pa.string())
    cells = pa.DictionaryArray.from_arrays(codes, text)
    ends = np.arange(rows + 1)
    whole = {
        "list": lambda: pa.ListArray.from_arrays(pa.array(ends, pa.int32()), cells),
        "large list": lambda: pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), cells),
        "struct": lambda: pa.StructArray.from_arrays([cells], ["text"]),
    }.get(kind, lambda: cells)()
    table = pa.table({"click": pa.array(np.arange(rows) % 2), "a": whole})
    pq.write_table(table, path, dictionary_pagesize_limit=2**24, write_statistics=False, store_schema=False)
