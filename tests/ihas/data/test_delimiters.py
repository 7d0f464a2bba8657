"""Delimiters of several characters, and files without a header line."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.data import DataConfig, SchemaConfig
from ihas.data import delimiters
from ihas.data.delimiters import UNIT, unified
from ihas.data.ingest import inspect
from ihas.data.readers import read
from ihas.data.reading import ReadOptions
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import fault_places, written


@given(st.text(":|a\n", max_size=40), st.sampled_from(["::", "|:|", ":a:a"]), st.integers(1, 7))
def test_pieces_are_replaced_as_the_whole_is(text: str, delimiter: str, block: int) -> None:
    """However the stream is cut, the delimiters are those of the whole text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimiters, "BLOCK_BYTES", block)
        found = unified(io.BytesIO(text.encode()), delimiter.encode(), Path("x")).read()
    assert found.decode() == text.replace(delimiter, UNIT)


@pytest.mark.parametrize("zipped", [False, True])
def test_the_movielens_form_is_read(zipped: bool, tmp_path: Path) -> None:
    """`::` between cells, no header, single colons and quotes in titles, text that is not ASCII; also compressed."""
    content = '1::Star Wars: "IV" (1977)::Sci-Fi|War::5\n2::Amélie::Comedy::3\n'
    path = tmp_path / ("movies.dat.gz" if zipped else "movies.dat")
    path.write_bytes(gzip.compress(content.encode()) if zipped else content.encode())
    table = read(path, ReadOptions("csv", "::", names=("id", "title", "genres", "stars"))).rows
    assert table.to_pylist() == [
        {"id": "1", "title": 'Star Wars: "IV" (1977)', "genres": "Sci-Fi|War", "stars": "5"},
        {"id": "2", "title": "Amélie", "genres": "Comedy", "stars": "3"},
    ]


def test_a_header_is_read_with_it(tmp_path: Path) -> None:
    """Without names, the first line is the header."""
    path = written(tmp_path / "x.csv", "a||b\n1||2|\n")
    assert read(path, ReadOptions(delimiter="||")).rows.to_pylist() == [{"a": "1", "b": "2|"}]


def test_faults_show_the_file_as_it_is(tmp_path: Path) -> None:
    """A row with too many cells is told with its delimiters, and its number counts from the first line where that is data."""
    path = written(tmp_path / "x.csv", "1::2\n3::4\n5::6::7\n")
    with pytest.raises(DataError, match=r"row 3.*as `names`, but this one has 3: '5::6::7.*No cell may hold the delimiter '::'") as raised:
        read(path, ReadOptions(delimiter="::", names=("a", "b")))
    assert fault_places(raised)[0][1] == 3


def test_the_character_that_stands_between_is_refused(tmp_path: Path) -> None:
    """A file that holds U+001F cannot be told apart."""
    with pytest.raises(DataError, match=r"must not hold the character U\+001F"):
        read(written(tmp_path / "x.csv", "a::b\n1\x1f::2\n"), ReadOptions(delimiter="::"))


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("1,2\n", {"names": ("a",)}, "names 1, and the first row has 2 cells: '1', '2'"),
        ("a,b\n1,2\n", {"names": ("a", "b")}, "its first line holds these names"),
        ("a::b\n", {"delimiter": "::", "escape": "\\"}, "`escape` needs a delimiter of one character"),
        ("a¦¦b\n", {"delimiter": "¦¦"}, "must be an ASCII character"),
        ('a"b\n', {"delimiter": '""'}, "must be an ASCII character"),
    ],
)
def test_settings_that_do_not_fit_are_refused(content: str, options: dict[str, Any], says: str, tmp_path: Path) -> None:
    """The refusal says what the file has."""
    with pytest.raises(ConfigError, match=says):
        read(written(tmp_path / "x.csv", content), ReadOptions(**options))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "")])
def test_stated_names_are_checked_like_a_header(names: tuple[str, ...], tmp_path: Path) -> None:
    """Each column has a name of its own."""
    with pytest.raises(DataError, match="must differ|must have a name"):
        read(written(tmp_path / "x.csv", "1,2\n"), ReadOptions(names=names))


def test_other_formats_have_names_of_their_own(tmp_path: Path) -> None:
    """Names are stated of CSV alone."""
    with pytest.raises(ConfigError, match="which has names of its own"):
        read(written(tmp_path / "x.jsonl", '{"a": 1}\n'), ReadOptions(names=("a",)))


def test_ratings_without_a_header_are_learnt_from(tmp_path: Path) -> None:
    """A log of ratings in the form of `u.data`: names, a rule for the label, and the time that orders rows."""
    lines = "".join(f"{row % 9}\t{row % 7}\t{row * 3 % 5 + 1}\t{881250949 + row}\n" for row in range(300))
    columns = SchemaConfig(label="rating", positive=">= 4", time="at")
    data = DataConfig(path=written(tmp_path / "u.data", lines), format="csv", names=("user", "item", "rating", "at"), columns=columns)
    report = inspect(data)
    assert not report.errors
    assert (report.rows, [field.name for field in report.columns.fields], report.columns.item_id) == (300, ["user", "item"], "item")
