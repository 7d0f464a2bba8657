"""Headers of CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.data.csv_header import header_looks_like_data, tell_delimiter, tidied
from ihas.data.readers import read
from ihas.data.reading import ReadOptions
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("user\xa0id", "user id"),
        ("用户\u3000编号", "用户 编号"),
        ('"user\nid"', "user id"),
        ('"user \r\n id"', "user id"),
        ("us\u200ber", "user"),
        ("\u202euser\u2069", "user"),
        ("\ufeffuser", "user"),
    ],
)
def test_characters_that_are_not_seen_are_tidied_and_told(raw: str, name: str, tmp_path: Path) -> None:
    """White space of other kinds is one space, marks without width are gone, and a warning shows the name escaped."""
    table, notes = read(written(tmp_path / "x.csv", f"item,{raw},click\n1,u,0\n"), ReadOptions())
    assert table.to_pylist() == [{"item": "1", name: "u", "click": "0"}]
    assert [(note.code, note.column, note.severity) for note in notes.kept] == [("header_tidied", name, "warning")]
    assert notes.kept[0].message.isprintable()


def test_joiners_are_letters_of_a_word(tmp_path: Path) -> None:
    """The joiner of a Persian name stays, and is told."""
    name = "کاربر\u200cها"
    table, notes = read(written(tmp_path / "x.csv", f"{name},b\n1,2\n"), ReadOptions())
    assert table.column_names == [name, "b"]
    assert "\\u200c" in notes.kept[0].message


@pytest.mark.parametrize("marks", [1, 2, 3])
def test_byte_order_marks_are_no_part_of_a_name(marks: int, tmp_path: Path) -> None:
    """One mark is usual; more of them are passed over and told, before a quoted name too."""
    table, notes = read(written(tmp_path / "x.csv", "\ufeff" * marks + '"user",b\n1,2\n'), ReadOptions())
    assert table.to_pylist() == [{"user": "1", "b": "2"}]
    assert [note.code for note in notes.kept] == ["header_tidied"] * (marks > 1)


def test_spaces_in_a_plain_name_stay(tmp_path: Path) -> None:
    """Two plain spaces are the name's own."""
    table, notes = read(written(tmp_path / "x.csv", " a  b ,c\n1,2\n"), ReadOptions())
    assert (table.column_names, notes.kept) == (["a  b", "c"], [])
    assert tidied("a  b") == "a  b"


@pytest.mark.parametrize(
    ("header", "code", "says"),
    [
        (b"us\x1b[31mer,b", "unprintable_name", r"'us\\x1b\[31mer'"),
        (b"\x00u\x00s,b", "unprintable_name", "UTF-16 or no text"),
        (b"us\xe9r,b", "wrong_encoding", "number 1 holds the byte 0xe9"),
    ],
)
def test_names_that_are_no_text_are_shown_escaped(header: bytes, code: str, says: str, tmp_path: Path) -> None:
    """Control characters and bytes that are no UTF-8 are refused with what is there, never with advice that does not help."""
    with pytest.raises(DataError, match=says) as error:
        read(written(tmp_path / "x.csv", header + b"\n1,2\n"), ReadOptions())
    assert [finding.code for finding in error.value.findings] == [code]
    assert str(error.value).isprintable()


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=\t", "sep=,"])
def test_the_line_that_excel_writes_is_told(line: str, tmp_path: Path) -> None:
    """A first line that states the separator is named as such."""
    with pytest.raises(DataError, match="`sep=.` line that Excel writes. Delete the line") as error:
        read(written(tmp_path / "x.csv", f"{line}\r\nuser;item\r\n1;2\r\n"), ReadOptions())
    assert fault_places(error) == [("separator_line", None, None)]


@pytest.mark.parametrize(("firsts", "told"), [(["0", "1", "2"], True), (["7", "8"], True), (["a", "b"], False), (["3", "1"], False)])
def test_row_numbers_without_a_name_are_those_of_pandas(firsts: list[str], told: bool, tmp_path: Path) -> None:
    """A first column without a name that counts the rows is pandas' index; another one has just no name."""
    with pytest.raises(DataError) as error:
        read(written(tmp_path / "x.csv", ",user,click\n" + "".join(f"{first},u,0\n" for first in firsts)), ReadOptions())
    assert ("as pandas writes its index" in str(error.value)) == told
    assert fault_places(error) == [("blank_column", None, None)]


def test_names_that_are_not_wanted_may_be_anything(tmp_path: Path) -> None:
    """Blank and repeated names refuse nothing where other columns are wanted."""
    path = written(tmp_path / "x.csv", ",user,note,note\n0,a,x,y\n1,b,x,y\n")
    assert read(path, ReadOptions(only={"user"})).rows.to_pylist() == [{"user": "a"}, {"user": "b"}]


@pytest.mark.parametrize(
    ("names", "looks"), [(["1", "0", "5", "68fd1e64"], True), (["0", "1", "2"], False), (["label", "user", "2019", "a", "b"], False)]
)
def test_a_header_of_numbers_looks_like_data(names: list[str], looks: bool) -> None:
    """Numbers as names look like a missing header, unless they simply count the columns."""
    assert header_looks_like_data(names) == looks


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_most_cells_tell_the_delimiter(delimiter: str) -> None:
    """A quoted delimiter counts for nothing."""
    assert tell_delimiter(delimiter.join(["a", "b c", '"d,;|e"']) + "\n") == delimiter
