"""Types of Arrow as texts."""

from __future__ import annotations

import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.data.columns import as_texts, canonical_texts
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder
from ihas.data.number_lists import holds_numbers
from ihas.data.readers import read_table
from ihas.data.value_types import is_readable

MOMENT = 1_700_000_000
COLUMNS: dict[str, tuple[Any, str]] = {
    "timestamp": (pa.array([MOMENT], pa.timestamp("s")), "2023-11-14 22:13:20"),
    "millis": (pa.array([MOMENT * 1_000 + 250], pa.timestamp("ms")), "2023-11-14 22:13:20.25"),
    "nanos": (pa.array([MOMENT * 10**9 + 1], pa.timestamp("ns")), "2023-11-14 22:13:20.000000001"),
    "zoned": (pa.array([MOMENT * 10**6], pa.timestamp("us", "Europe/Berlin")), "2023-11-14 22:13:20Z"),
    "date": (pa.array([MOMENT // 86_400], pa.date32()), "2023-11-14"),
    "date64": (pa.array([MOMENT // 86_400 * 86_400_000], pa.date64()), "2023-11-14"),
    "time": (pa.array([3_600_500_000], pa.time64("us")), "01:00:00.5"),
    "time32": (pa.array([3_600], pa.time32("s")), "01:00:00"),
    "duration": (pa.array([1_500_000], pa.duration("us")), "1.5"),
    "seconds": (pa.array([90], pa.duration("s")), "90"),
    "decimal": (pa.array([Decimal("25.00")], pa.decimal128(18, 2)), "25"),
    "long_decimal": (pa.array([Decimal(2**80)], pa.decimal256(40, 0)), str(2**80)),
    "half": (pa.array([np.float16(0.1)], pa.float16()), "0.1"),
    "single": (pa.array([0.1], pa.float32()), "0.1"),
    "double": (pa.array([1e16]), "10000000000000000"),
    "unsigned": (pa.array([2**64 - 1], pa.uint64()), str(2**64 - 1)),
    "uuid": (pa.array([uuid.UUID(int=1).bytes], pa.uuid()), str(uuid.UUID(int=1))),
    "yes": (pa.array([True]), "true"),
    "category": (pa.array(["x"]).dictionary_encode(), "x"),
    "large": (pa.array(["x"], pa.large_string()), "x"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_parquet_column_of_any_scalar_type_is_read(name: str, tmp_path: Path) -> None:
    """Each type has its text, alone, beside a missing cell, and as the value of a list."""
    array, text = COLUMNS[name]
    pyarrow.parquet.write_table(pa.table({name: pa.concat_arrays([array, pa.nulls(1, array.type)])}), tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").to_pylist() == [{name: text}, {name: None}]
    lists = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), array)
    if not pa.types.is_dictionary(array.type):
        pyarrow.parquet.write_table(pa.table({name: lists}), tmp_path / "y.parquet")
        table = read_table(tmp_path / "y.parquet")
        assert holds_numbers(table, name) == (name in ("single", "double"))  # a vector may be of these
        found = as_texts(table.column(name)) if holds_numbers(table, name) else table.column(name)
        assert found.to_pylist() == [[text]]


@pytest.mark.parametrize("name", COLUMNS)
def test_no_rows_of_a_type_are_no_texts(name: str) -> None:
    """A batch without rows, which comes first of each file, is read whatever its type."""
    empty: Any = canonical_texts(pa.chunked_array([], COLUMNS[name][0].type))
    assert empty.to_pylist() == []


def test_a_request_names_the_cell_of_a_decimal() -> None:
    """25.00 of a file, and 25, 25.0 and "25" of a request are one id."""
    read: Any = canonical_texts(pa.chunked_array([COLUMNS["decimal"][0]]))
    encoder = Encoder(fields=(CategoricalEncoder(name="price", role="context", values=tuple(read.to_pylist())),))
    assert {int(encoder.encode_row({"price": value})[0]) for value in (25, 25.0, "25", "25.0")} == {2}


@pytest.mark.parametrize(
    "data_type",
    [pa.struct([("a", pa.int64())]), pa.binary(), pa.binary(4), pa.map_(pa.string(), pa.string()), pa.list_(pa.list_(pa.int64()))],
)
def test_types_without_a_text(data_type: Any) -> None:
    """Bytes, structures, maps and lists of lists are no cells."""
    assert not is_readable(data_type)
    assert not is_readable(pa.list_(data_type))
