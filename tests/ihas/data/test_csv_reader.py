"""CSV and its faults."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data import csv_reader
from ihas.data.csv_header import tell_delimiter
from ihas.data.csv_reader import csv_batches
from ihas.data.readers import read
from ihas.data.reading import ReadOptions, Source
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import fault_places, written

CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n,;|\t"'), max_size=5)


def read_csv(path: Path, delimiter: str | None) -> pa.Table:
    """All batches of a file as one table."""
    return pa.concat_tables(csv_batches(Source(path, ReadOptions(delimiter=delimiter))))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(delimiter: str, tmp_path: Path) -> None:
    """Each of the four delimiters is found, though cells hold the others."""
    path = written(tmp_path / "x.csv", delimiter.join(["a", "b c", "d"]) + "\n" + delimiter.join(['"x,|;"', "y", "z"]) + "\n")
    assert tell_delimiter(path.read_text()) == delimiter
    assert read_csv(path, None).to_pylist() == [{"a": "x,|;", "b c": "y", "d": "z"}]


def test_a_stated_delimiter_goes_before_the_header(tmp_path: Path) -> None:
    """Any character can delimit cells, where it is stated."""
    assert read_csv(written(tmp_path / "x.csv", "a^b,c\n1^2\n"), "^").to_pylist() == [{"a": "1", "b,c": "2"}]


@pytest.mark.parametrize("delimiter", ['"', "\n", "¦"])
def test_a_delimiter_that_csv_cannot_have(delimiter: str, tmp_path: Path) -> None:
    """Quotes, line breaks and characters of several bytes are refused as delimiters."""
    with pytest.raises(ConfigError, match="must be an ASCII character"):
        read_csv(written(tmp_path / "x.csv", "a,b\n1,2\n"), delimiter)


def test_a_first_line_that_is_no_header(tmp_path: Path) -> None:
    """A first cell beyond every limit is refused, not an accident of Python's csv module."""
    with pytest.raises(DataError, match="first line must be readable"):
        read_csv(written(tmp_path / "x.csv", "a" * 200_000 + "\n1\n"), None)


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_what_pythons_csv_module_writes_is_read_back(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Quotes, delimiters and line breaks within cells survive, and an empty cell is missing."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    table = read_csv(written(tmp_path_factory.getbasetemp() / "quoted.csv", text.getvalue()), ",")
    assert [tuple(row.values()) for row in table.to_pylist()] == [(one or None, other or None) for one, other in rows]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "  \n"])
def test_an_empty_file_is_refused(content: str, tmp_path: Path) -> None:
    """A file without a header says so."""
    with pytest.raises(DataError, match="it is empty"):
        read_csv(written(tmp_path / "x.csv", content), None)


def test_every_ragged_row_is_named(tmp_path: Path) -> None:
    """Rows with too many or too few cells are numbered as data rows, with the column where they break off; blank lines are none."""
    with pytest.raises(DataError, match="must have 2 cells, as the header, but this one has 3") as error:
        read_csv(written(tmp_path / "x.csv", 'a,b\n1,2\n\n1,2,3\n"x\ny",2\n4\n'), None)
    assert fault_places(error) == [("ragged_row", 2, "b"), ("ragged_row", 4, "b")]


def test_ragged_rows_are_counted_beyond_the_cap(tmp_path: Path) -> None:
    """Many ragged rows are one error, which counts those beyond the first hundred too."""
    with pytest.raises(DataError, match=r"300 rows have such a fault, the first of them 1, 2, 3, 4, 5.$") as error:
        read_csv(written(tmp_path / "x.csv", "a,b\n" + "1\n" * 300), None)
    assert fault_places(error) == [("ragged_row", 1, "b")]


@pytest.mark.parametrize(
    ("header", "places"),
    [("a,b,a", [("duplicate_column", None, "a")]), ("a, ,", [("blank_column", None, None)]), ("0,1,1", [("duplicate_column", None, "1")])],
)
def test_names_must_differ_and_exist(header: str, places: list[tuple[str, None, str | None]], tmp_path: Path) -> None:
    """Duplicate and blank column names are refused, with what to do if the file has no header."""
    with pytest.raises(DataError, match="put a line with the columns' names above it") as error:
        read_csv(written(tmp_path / "x.csv", f"{header}\n1,2,3\n"), None)
    assert fault_places(error) == places


def test_bytes_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    """Every cell with a wrong byte is named by row and column."""
    with pytest.raises(DataError, match="byte 0xe9") as error:
        read_csv(written(tmp_path / "x.csv", b"a,b\n1,2\ncaf\xe9,2\n1,\xff\n"), None)
    assert fault_places(error) == [("wrong_encoding", 2, "a"), ("wrong_encoding", 3, "b")]


@pytest.mark.parametrize("content", ["a,b\n1,2\n".encode("utf-16"), b"a\xff,b\n1,2\n"])
def test_a_header_that_is_not_utf8_is_refused(content: bytes, tmp_path: Path) -> None:
    """UTF-16 files and wrong bytes in the header say that UTF-8 is needed."""
    with pytest.raises(DataError, match="UTF-8") as error:
        read_csv(written(tmp_path / "x.csv", content), None)
    assert fault_places(error) == [("wrong_encoding", None, None)]


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    """The rest of the file does not vanish into one cell unnoticed; a quoted last cell with a line break is fine."""
    with pytest.raises(DataError, match="Every quote must be closed") as error:
        read_csv(written(tmp_path / "x.csv", 'a,b\n1,2\n1,"x\n3,4\n'), None)
    assert fault_places(error) == [("open_quote", 2, "b")]
    assert read_csv(written(tmp_path / "y.csv", 'a,b\n1,"x\ny"\n'), None).column("b").to_pylist() == ["x\ny"]


def test_a_byte_order_mark_and_spaces_are_no_part_of_a_name(tmp_path: Path) -> None:
    """The mark that spreadsheets write does not hide the first column."""
    assert read_csv(written(tmp_path / "x.csv", "\ufeffa , b\r\n1,2\r\n"), None).column_names == ["a", "b"]


@pytest.mark.parametrize("block", range(24, 60))
def test_a_line_break_at_the_end_of_a_block_stays_whole(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a block ends, a cell with CR LF in it keeps both characters, and no row is lost."""
    monkeypatch.setattr(csv_reader, "_BLOCK_BYTES", block)
    path = written(tmp_path / "x.csv", 'a,b\r\n1,"x\r\ny"\r\n2,"z\r\nw"\r\n\r\n3,4\r\n')
    assert read_csv(path, ",").column("b").to_pylist() == ["x\r\ny", "z\r\nw", "4"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_break_ends_a_row(ending: str, tmp_path: Path) -> None:
    """Rows end with LF, CR LF or CR, with or without one behind the last row."""
    for last in ("", ending):
        path = written(tmp_path / "x.csv", ending.join(["a,b", "1,2", "3,4"]) + last)
        assert [tuple(row.values()) for row in read_csv(path, None).to_pylist()] == [("1", "2"), ("3", "4")]


def test_quotes_may_be_plain_characters(tmp_path: Path) -> None:
    """Without quoting each line is a row, and its quotes are in its cells and in the names of the columns."""
    path = written(tmp_path / "x.tsv", 'id\t"title\n1\t"Heroes\n2\t7" single\n3\t""\n')
    assert read(path, ReadOptions(quoting=False)).rows.to_pylist() == [
        {"id": "1", '"title': '"Heroes'},
        {"id": "2", '"title': '7" single'},
        {"id": "3", '"title': '""'},
    ]


@pytest.mark.parametrize("quoting", [True, False])
def test_an_escape_takes_the_meaning_from_a_character(quoting: bool, tmp_path: Path) -> None:
    """With an escape a delimiter is text within a cell, and a quote too."""
    path = written(tmp_path / "x.csv", 'a,b\n1,x\\,y\n2,z\\"w\n')
    options = ReadOptions(quoting=quoting, escape="\\")
    assert read(path, options).rows.column("b").to_pylist() == ["x,y", 'z"w']


def test_an_escape_that_csv_cannot_have(tmp_path: Path) -> None:
    """A quote, a line break or the delimiter cannot be the escape."""
    for escape in ('"', "\n", ","):
        with pytest.raises(ConfigError, match="`escape` must"):
            read(written(tmp_path / "x.csv", "a,b\n1,2\n"), ReadOptions(escape=escape))


def test_bytes_that_are_not_utf8_may_be_ignored(tmp_path: Path) -> None:
    """An ignored column with other bytes is read as empty and told; one that is not wanted is not told either."""
    path = written(tmp_path / "x.csv", b"a,raw\n1,\xff\n2,x\n")
    table, notes = read(path, ReadOptions(ignored={"raw"}))
    assert table.to_pylist() == [{"a": "1", "raw": None}, {"a": "2", "raw": None}]
    assert [(note.code, note.column) for note in notes.kept] == [("ignored_not_read", "raw")]
    table, notes = read(path, ReadOptions(only={"a"}))
    assert (table.to_pylist(), notes.kept) == ([{"a": "1"}, {"a": "2"}], [])


def test_an_ignored_column_of_texts_is_shown(tmp_path: Path) -> None:
    """What can be read of an ignored column is read."""
    path = written(tmp_path / "x.csv", "a,raw\n1,\u00e9\n2,\n")
    assert read(path, ReadOptions(ignored={"raw"})).rows.column("raw").to_pylist() == ["\u00e9", None]


def test_damaged_compression_is_found_among_the_rows(tmp_path: Path) -> None:
    """A file that is cut short is told as such, not as bad CSV."""
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000, mtime=0)
    with pytest.raises(DataError, match="intact gzip"):
        read(written(tmp_path / "x.csv.gz", content[:-20]), ReadOptions())
