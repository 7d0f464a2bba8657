"""Rows that a quote takes in."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data import csv_faults, csv_reader
from ihas.data.readers import read, read_table
from ihas.data.reading import ReadOptions
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import fault_places, written

pytestmark = pytest.mark.full

NAMES = ("user", "item", "title", "click")


def _rows(number: int) -> list[list[str]]:
    return [[f"u{row % 10}", str(row % 6 + 1), "Song", str(row % 2)] for row in range(number)]


def _text(rows: list[list[str]], delimiter: str = "\t", ending: str = "\n") -> str:
    return "".join(delimiter.join(row) + ending for row in [list(NAMES), *rows])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@given(first=st.integers(10, 40), taken=st.integers(1, 50), column=st.integers(0, 3), closing=st.booleans())
def test_rows_that_a_quote_takes_in_are_an_error(
    delimiter: str, ending: str, first: int, taken: int, column: int, closing: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two stray quotes, in whatever column and however far apart, are told with the row of the first; no row is lost in silence."""
    rows = _rows(100)
    rows[first][column] = '"' + rows[first][column]
    other = rows[first + taken]
    other[column] = other[column] + '"' if closing else '"' + other[column]
    path = written(tmp_path_factory.getbasetemp() / "stray.tsv", _text(rows, delimiter, ending))
    with pytest.raises(DataError, match="quote that opens this one runs over") as error:
        read(path, ReadOptions("csv", delimiter))
    assert fault_places(error) == [("rows_in_cell", first + 1, NAMES[column])]
    assert read(path, ReadOptions("csv", delimiter, quoting=False)).rows.num_rows == 100


def test_a_column_that_is_not_wanted_takes_no_rows_in(tmp_path: Path) -> None:
    """Rows are not lost in a column that nobody looks at."""
    rows = _rows(60)
    rows[10][2], rows[50][2] = '"Heroes', '"Heroes'
    with pytest.raises(DataError, match="row 11, column `title`"):
        read(written(tmp_path / "x.tsv", _text(rows)), ReadOptions(only={"user", "item"}))


@given(
    texts=st.lists(
        st.lists(st.sampled_from(["fine", "so, so", "a, b, c", "", "1, 2", "well, then, u1, 1"]), min_size=2, max_size=4),
        min_size=1,
        max_size=8,
    )
)
def test_texts_of_several_lines_are_no_rows(texts: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Reviews with line breaks and commas are read, as long as their lines are no rows of the table."""
    cells = ["\n".join(lines) for lines in texts]
    content = "user,review,stars,click\n" + "".join(f'u{row},"{cell}",{row % 5}.5,{row % 2}\n' for row, cell in enumerate(cells))
    table = read_table(written(tmp_path_factory.getbasetemp() / "reviews.csv", content))
    assert [cell or "" for cell in table.column("review").to_pylist()] == [cell.strip() for cell in cells]


def test_an_open_quote_in_a_short_row_is_told(tmp_path: Path) -> None:
    """A quote that takes in the rest of the file leaves a row with too few cells, and the message speaks of the quote."""
    with pytest.raises(DataError, match="A quote in it runs over line breaks") as error:
        read_table(written(tmp_path / "x.csv", 'a,b\n1,2\n"x,3\n4,5\n'))
    assert fault_places(error) == [("ragged_row", 2, "b")]


def test_reading_stops_at_many_rows_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are told with their rows, and that there may be more: what a wrong file costs does not grow with its faults."""
    for module in (csv_reader, csv_faults):
        monkeypatch.setattr(module, "MAX_RAGGED", 50)
    path = written(tmp_path / "x.csv", "a,b\n" + "1,2\n" * 10 + "1,2,3\n" * 100_000)
    with pytest.raises(DataError) as caught:
        read(path, ReadOptions())

    codes = [finding.code for finding in caught.value.findings]
    assert caught.value.findings[0].row == 11
    assert codes.count("ragged_row") <= 50
    assert codes[-1] == "checking_stopped"


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_name_of_a_million_characters_is_refused(form: str, tmp_path: Path) -> None:
    """It would stand in every report and every error."""
    name, path = "n" * 2_000, tmp_path / f"x.{form}"
    if form == "parquet":
        pq.write_table(pa.table({"click": [1], name: [1]}), path)
    else:
        path.write_text(f"click,{name}\n1,1\n" if form == "csv" else f'{{"click": 1, "{name}": 1}}\n')
    with pytest.raises(DataError, match="at most 1,000 characters, but one has 2,000") as caught:
        read(path, ReadOptions())
    assert len(str(caught.value)) < 500


def test_a_delimiter_is_no_nul(tmp_path: Path) -> None:
    """As a setting that CSV cannot have, not as a fault of the program."""
    with pytest.raises(ConfigError, match="NUL"):
        read(written(tmp_path / "x.csv", "a,b\n1,2\n"), ReadOptions(delimiter="\0"))


def test_a_header_of_long_numbers_is_one(tmp_path: Path) -> None:
    """More digits than Python makes an integer of are no count of the rows."""
    path = written(tmp_path / "x.csv", ",b\n" + "9" * 5_000 + ",2\n")
    with pytest.raises(DataError, match="must have a name"):
        read(path, ReadOptions())


def test_a_table_of_very_many_columns_is_refused(tmp_path: Path) -> None:
    """Before a row is read."""
    pq.write_table(pa.table({f"c{number}": [1] for number in range(10_001)}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="at most 10,000 columns, but this one has 10,001"):
        read(tmp_path / "x.parquet", ReadOptions())
