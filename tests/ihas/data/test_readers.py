"""One form for all formats."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.data.columns import LIST, TEXT
from ihas.data.readers import read_table
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written


def test_formats_give_the_same_table(tmp_path: Path) -> None:
    """The same rows as CSV, compressed CSV, Parquet and JSON lines read as the same texts."""
    csv_text = "user,price,new\n270,2.5,True\n,3.0,false\n"
    written(tmp_path / "x.csv", csv_text)
    written(tmp_path / "x.tsv.gz", gzip.compress(csv_text.replace(",", "\t").encode()))
    written(tmp_path / "x.jsonl", '{"user": 270, "price": 2.5, "new": true}\n{"user": null, "price": 3.0, "new": false}\n')
    pyarrow.parquet.write_table(pa.table({"user": [270.0, None], "price": [2.5, 3.0], "new": [True, False]}), tmp_path / "x.parquet")
    expected = [{"user": "270", "price": "2.5", "new": "true"}, {"user": None, "price": "3", "new": "false"}]
    for name in ("x.csv", "x.tsv.gz", "x.jsonl", "x.parquet"):
        table = read_table(tmp_path / name)
        assert table.to_pylist() == expected
        assert set(table.schema.types) == {TEXT}


def test_lists_stay_lists(tmp_path: Path) -> None:
    """A column of lists is multi-valued, whatever its values' type."""
    pyarrow.parquet.write_table(pa.table({"g": pa.array([[1, 2], None], pa.large_list(pa.int8()))}), tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet")
    assert table.schema.types == [LIST]
    assert table.to_pylist() == [{"g": ["1", "2"]}, {"g": []}]


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("x.csv", b"a,b\n", [("no_rows", None, None)]),
        ("x.xls", b"", [("unknown_suffix", None, None)]),
        ("x.csv.zip", b"", [("unknown_suffix", None, None)]),
        ("x.parquet", b"PAR1 no", [("unreadable_file", None, None)]),
        ("x.csv", b"a,b\n1,2\n1,x\0y\n", [("nul_byte", 2, "b")]),
        ("x.jsonl", b'{"a": {"b": 1}}\n', [("unsupported_type", None, "a")]),
        ("x.jsonl", b'{"a": [[1]]}\n', [("unsupported_type", None, "a")]),
        ("nothing.csv", None, [("unreadable_file", None, None)]),
    ],
)
def test_what_is_no_table(name: str, content: bytes | None, places: list[tuple[str, int | None, str | None]], tmp_path: Path) -> None:
    """Files that hold no table are refused with a finding, placed where it has a place."""
    path = tmp_path / name
    if content is not None:
        written(path, content)
    with pytest.raises(DataError) as error:
        read_table(path)
    assert fault_places(error) == places


def test_a_stated_format_goes_before_the_suffix(tmp_path: Path) -> None:
    """A CSV file may be called anything when its format is stated."""
    assert read_table(written(tmp_path / "clicks.data", "a\n1\n"), "csv").to_pylist() == [{"a": "1"}]


def test_duplicate_parquet_names_are_refused(tmp_path: Path) -> None:
    """Two Parquet columns of one name are named."""
    pyarrow.parquet.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "x.parquet")
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "x.parquet")
    assert fault_places(error) == [("duplicate_column", None, "a")]
