"""CSV and its faults."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.csv_header import header_looks_like_data, tell_delimiter
from ihas.data.csv_reader import csv_batches
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
    """Of many ragged rows the first hundred are listed and the rest is counted."""
    with pytest.raises(DataError, match=r"\(299 more\)") as error:
        read_csv(written(tmp_path / "x.csv", "a,b\n" + "1\n" * 300), None)
    assert len(error.value.findings) == 100


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


@pytest.mark.parametrize(
    ("names", "looks"), [(["1", "0", "5", "68fd1e64"], True), (["0", "1", "2"], False), (["label", "user", "2019", "a", "b"], False)]
)
def test_a_header_of_numbers_looks_like_data(names: list[str], looks: bool) -> None:
    """Numbers as names look like a missing header, unless they simply count the columns."""
    assert header_looks_like_data(names) == looks
