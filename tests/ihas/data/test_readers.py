"""One form for all formats."""

from __future__ import annotations

import bz2
import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.data.columns import LIST, TEXT
from ihas.data.readers import read, read_table
from ihas.data.reading import ReadOptions
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


def test_columns_of_nulls_and_empty_lists_are_missing(tmp_path: Path) -> None:
    """A Parquet column without any value is one of missing cells."""
    empty = pa.table({"n": pa.nulls(2), "tags": pa.array([[], []], pa.list_(pa.null())), "y": [1, 2]})
    pyarrow.parquet.write_table(empty, tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").to_pylist() == [{"n": None, "tags": [], "y": str(y)} for y in (1, 2)]


def test_an_ignored_column_refuses_nothing(tmp_path: Path) -> None:
    """Structures and bytes are read as empty and told where they are ignored, and are not told where they are not wanted."""
    odd = pa.table({"user": ["a"], "payload": [{"a": 1}], "blob": pa.array([b"\xff"]), "tree": [[[1]]]})
    pyarrow.parquet.write_table(odd, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="or list it under `ignored`") as error:
        read_table(tmp_path / "x.parquet")
    assert fault_places(error) == [("unsupported_type", None, name) for name in ("payload", "blob", "tree")]
    table, notes = read(tmp_path / "x.parquet", ReadOptions(ignored={"payload", "blob", "tree"}))
    assert table.to_pylist() == [{"user": "a", "payload": None, "blob": None, "tree": None}]
    assert [(note.code, note.column) for note in notes.kept] == [("ignored_not_read", name) for name in ("payload", "blob", "tree")]
    table, notes = read(tmp_path / "x.parquet", ReadOptions(only={"user"}))
    assert (table.to_pylist(), notes.kept) == ([{"user": "a"}], [])


def test_an_ignored_column_may_be_damaged(tmp_path: Path) -> None:
    """Texts of Parquet that are no UTF-8 refuse the file only where they are needed."""
    damaged = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))
    pyarrow.parquet.write_table(pa.table({"user": ["a"], "raw": damaged}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="must be intact Parquet"):
        read_table(tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", ReadOptions(ignored={"raw"})).rows.to_pylist() == [{"user": "a", "raw": None}]


def test_nul_bytes_of_a_whole_column_are_one_finding(tmp_path: Path) -> None:
    """A hundred cells with NUL bytes are told once."""
    with pytest.raises(DataError, match="in 100 rows") as error:
        read_table(written(tmp_path / "x.csv", b"a,b\n" + b"1,x\0y\n" * 100))
    assert fault_places(error) == [("nul_byte", 1, "b")]


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "x.csv.gz", "first bytes once unpacked are those of gzip"),
        (bz2.compress(b"a,b\n1,2\n"), "x.csv", "those of bzip2"),
        (b"PAR1\x15\x04\x15", "x.csv", "those of Parquet. Name it .parquet"),
        (gzip.compress(b"PAR1\x15\x04\x15", mtime=0), "x.csv", "once unpacked are those of Parquet"),
    ],
)
def test_a_file_of_another_format_is_called_by_its_name(content: bytes, name: str, says: str, tmp_path: Path) -> None:
    """The first bytes tell what a file is, and the message what to do."""
    with pytest.raises(DataError, match=says) as error:
        read_table(written(tmp_path / name, content))
    assert fault_places(error) == [("other_format", None, None)]


def test_a_name_may_begin_like_a_format(tmp_path: Path) -> None:
    """Texts that happen to begin as other formats do are texts."""
    assert read_table(written(tmp_path / "x.csv", "ORC,PAR1\n1,2\n")).column_names == ["ORC", "PAR1"]


def test_a_workbook_is_no_table(tmp_path: Path) -> None:
    """A workbook that is called .csv is told as what it is."""
    with zipfile.ZipFile(tmp_path / "x.csv", "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match="an Excel workbook or another document. Save the sheet as CSV"):
        read_table(tmp_path / "x.csv")
