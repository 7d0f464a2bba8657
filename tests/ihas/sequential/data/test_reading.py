"""Users' item sequences from files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.config.data import DataConfig, InteractionColumns
from ihas.errors import ConfigError, DataError
from ihas.sequential.data.reading import inspect_sequences, read_interactions, read_item_sequences, read_sequences
from ihas.sequential.data.sequences import UserSequences


def _named(data: UserSequences) -> dict[str, list[str]]:
    return {user: [data.items[item] for item in items.tolist()] for user, items in zip(data.users, data.sequences, strict=True)}


def test_reads_a_user_a_line(tmp_path: Path) -> None:
    """Names stay texts, the order of items stays, blank lines are passed over, compressed files are unpacked."""
    path = tmp_path / "some.txt.gz"
    path.write_bytes(gzip.compress(b"u1 9 07 9\n\nu2 07\n"))
    data = read_item_sequences(path)
    assert _named(data) == {"u1": ["9", "07", "9"], "u2": ["07"]}
    assert data.num_items == 2


@pytest.mark.parametrize(
    ("content", "row", "law"),
    [
        (b"1 2 3\n2\n", 2, "at least one item"),
        (b"1 2 3\n\n1 4\n", 3, "user '1' has line 1 too"),
    ],
)
def test_names_the_line_that_is_wrong(tmp_path: Path, content: bytes, row: int, law: str) -> None:
    """A user without items, or with two lines, is an error at its line."""
    path = tmp_path / "some.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=law) as caught:
        read_item_sequences(path)
    assert [finding.row for finding in caught.value.findings] == [row]


@pytest.mark.parametrize(("content", "law"), [(b"\n", "is empty"), (b"1 2\n2 \xff\n", "line 2 is not")])
def test_refuses_what_is_no_text_of_users(tmp_path: Path, content: bytes, law: str) -> None:
    """An empty file and one that is not UTF-8 are told apart."""
    path = tmp_path / "some.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=law):
        read_item_sequences(path)


def test_orders_interactions_by_time(tmp_path: Path) -> None:
    """Each user's rows are put in order of time, rows of one time stay as they stand, users and items come in the file's order."""
    path = tmp_path / "some.csv"
    path.write_text("time,user,item,stars\n9,b,x,1\n2,a,y,2\n1,a,x,3\n9,b,z,4\n2,a,w,5\n")
    data = read_interactions(path)
    assert _named(data) == {"b": ["x", "z"], "a": ["x", "y", "w"]}
    assert data.items == ("x", "y", "z", "w")


def test_reads_dates_and_other_names(tmp_path: Path) -> None:
    """Columns have the names that are given, times may be dates, numbers in JSON lines are names."""
    path = tmp_path / "some.jsonl"
    path.write_text('{"who": 1, "what": 7, "when": "2024-05-02"}\n{"who": 1, "what": 8, "when": "2024-05-01T10:00:00"}\n')
    assert _named(read_interactions(path, InteractionColumns(user="who", item="what", time="when"))) == {"1": ["8", "7"]}


def test_without_times_rows_are_in_order(tmp_path: Path) -> None:
    """A file without times is taken to be in order of time."""
    path = tmp_path / "some.csv"
    path.write_text("user,item\n1,b\n2,c\n1,a\n")
    assert _named(read_interactions(path, InteractionColumns(time=None))) == {"1": ["b", "a"], "2": ["c"]}


def test_names_row_and_column_of_bad_cells(tmp_path: Path) -> None:
    """Empty cells and unreadable times are errors at their row and column."""
    path = tmp_path / "some.csv"
    path.write_text("user,item,time\n1,2,3\n,2,4\n1,,5\n1,2,soon\n")
    with pytest.raises(DataError) as caught:
        read_interactions(path)
    assert [(finding.row, finding.column) for finding in caught.value.findings] == [(2, "user"), (3, "item"), (4, "time")]


@pytest.mark.parametrize(
    ("name", "content", "column", "law"),
    [
        ("some.csv", "user,item\n1,2\n", "time", "must have the column `time` as time"),
        ("some.jsonl", '{"user": [1, 2], "item": 3, "time": 4}\n', "user", "must be one value"),
    ],
)
def test_refuses_other_columns(tmp_path: Path, name: str, content: str, column: str, law: str) -> None:
    """A column that is absent, or holds lists, is an error that names it."""
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=law) as caught:
        read_interactions(path)
    assert [finding.column for finding in caught.value.findings] == [column]


def test_settings_say_the_form(tmp_path: Path) -> None:
    """The same users from a line each and from a table, and a report of either that says who and what is commonest."""
    lines, table = tmp_path / "some.data", tmp_path / "some.csv"
    lines.write_text("a x y x\nb x\n")
    table.write_text("who;item;time\na;x;1\na;y;2\na;x;3\nb;x;1\n")
    for data in (
        DataConfig(path=lines, format="sequences"),
        DataConfig(path=table, delimiter=";", interactions=InteractionColumns(user="who")),
    ):
        assert _named(read_sequences(data)) == {"a": ["x", "y", "x"], "b": ["x"]}
        report = inspect_sequences(data)
        assert report.rows == 4
        assert [profile.commonest for profile in report.profiles] == [(("a", 3), ("b", 1)), (("x", 3), ("y", 1))]
        assert report.errors == ()


def test_other_settings_are_refused(tmp_path: Path) -> None:
    """A table of clicks, and parts in files of their own, are no sequences."""
    for data in (DataConfig(path=tmp_path / "a.csv"), DataConfig(path=tmp_path / "a", format="sequences", test_path=tmp_path / "b")):
        with pytest.raises(ConfigError, match="Sequences come from one file"):
            read_sequences(data)


def test_other_columns_are_not_looked_at(tmp_path: Path) -> None:
    """A structure, bytes and repeated names beside user, item and time refuse nothing."""
    odd = pa.table({"user": ["a", "a"], "item": [1, 2], "time": [1, 2], "payload": [{"a": 1}] * 2, "blob": [b"\xff"] * 2})
    pyarrow.parquet.write_table(odd, tmp_path / "x.parquet")
    assert _named(read_interactions(tmp_path / "x.parquet")) == {"a": ["1", "2"]}
    (tmp_path / "x.csv").write_bytes(b",user,item,time,note,note\n0,a,1,1,\xff,x\n1,a,2,2,y,z\n")
    assert _named(read_interactions(tmp_path / "x.csv")) == {"a": ["1", "2"]}
    (tmp_path / "x.jsonl").write_text('{"user": "a", "item": 1, "time": 1, "p": 1}\n{"user": "a", "item": 2, "time": 2, "p": "x"}\n')
    assert _named(read_interactions(tmp_path / "x.jsonl")) == {"a": ["1", "2"]}


def test_what_deceives_is_told(tmp_path: Path) -> None:
    """Equal times of one user and ids that a float rounded are warnings of the report; different users may share a time."""
    path = tmp_path / "x.csv"
    rows = [f"{int(float(2**60 + 999 * (row // 4)))},i{row % 7},{row // 8}" for row in range(160)]
    path.write_text("user,item,time\n" + "\n".join(rows) + "\n")
    report = inspect_sequences(DataConfig(path=path, interactions=InteractionColumns()))
    assert [(finding.code, finding.column) for finding in report.findings] == [("equal_times", "time"), ("rounded_ids", "user")]
    assert report.findings[0].message.startswith("120 of 160 interactions have the time of another of the same user")
    path.write_text("user,item,time\na,1,1\nb,1,1\n")
    assert inspect_sequences(DataConfig(path=path, interactions=InteractionColumns())).findings == ()


def test_a_user_that_says_missing_is_none(tmp_path: Path) -> None:
    """Rows of the user NULL among numbers are no user's, and are told at their rows."""
    path = tmp_path / "x.csv"
    path.write_text("user,item,time\n1,2,3\nNULL,2,4\n")
    with pytest.raises(DataError, match="row 2, column `user`: .* it says 'NULL' where others are numbers"):
        read_interactions(path)


def test_quoting_is_a_setting(tmp_path: Path) -> None:
    """Quotes are characters where the settings say so."""
    path = tmp_path / "x.csv"
    path.write_text('user,item,time\na,"x,1\na,y,2\n')
    data = DataConfig(path=path, interactions=InteractionColumns(), quoting=False)
    assert _named(read_sequences(data)) == {"a": ['"x', "y"]}
