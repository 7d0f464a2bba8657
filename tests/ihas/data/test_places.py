"""Tables in several files: folders, patterns, and what the names of folders state."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.config.data import DataConfig
from ihas.data import places
from ihas.data.appending import read_files
from ihas.data.ingest import inspect
from ihas.data.places import contents_of, files_at
from ihas.data.reading import ReadOptions
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written


def _part(path: Path, rows: range) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = list(rows)
    pq.write_table(pa.table({"click": [n % 2 for n in numbers], "user": pa.array([f"u{n % 9}" for n in numbers], pa.string())}), path)
    return path


def _partitioned(folder: Path) -> Path:
    """Two days of two shops; a mark of Spark, a checksum and a hidden folder beside them."""
    for number, name in enumerate(
        ("day=2026-11-29/shop=a%20b", "day=2026-11-29/shop=7.0", "day=2026-11-30/shop=__HIVE_DEFAULT_PARTITION__")
    ):
        _part(folder / name / "part-0.parquet", range(100 * number, 100 * number + 60))
    written(folder / "_SUCCESS", "")
    written(folder / "day=2026-11-29" / ".part-0.parquet.crc", "x")
    _part(folder / "_delta_log" / "x.parquet", range(5))
    return folder


def _cells(path: Path, name: str, **options: str) -> list[str | None]:
    return read_files((path,), ReadOptions(**options)).rows.column(name).to_pylist()  # type: ignore[arg-type]


def test_a_folder_is_one_table_with_its_partitions(tmp_path: Path) -> None:
    """Columns of the folders' names, unquoted, in the form that cells have; the missing partition is missing."""
    folder = _partitioned(tmp_path / "clicks")
    table, notes, lengths = read_files((folder,), ReadOptions())
    assert (table.num_rows, lengths, notes.kept) == (180, (180,), [])
    assert table.column("day").to_pylist() == ["2026-11-29"] * 120 + ["2026-11-30"] * 60
    assert table.column("shop").to_pylist() == ["7"] * 60 + ["a b"] * 60 + [None] * 60
    assert {one.column: one.distinct for one in inspect(DataConfig(path=folder)).profiles} == {"click": 2, "user": 9, "day": 2, "shop": 2}


def test_a_pattern_names_some_files(tmp_path: Path) -> None:
    """Of folders it names, all files below; what lies before its first star states nothing."""
    folder = _partitioned(tmp_path / "clicks")
    assert set(_cells(folder / "day=*-29" / "*", "shop")) == {"7", "a b"}
    assert set(_cells(folder / "day=2026-11-30*", "day")) == {"2026-11-30"}
    assert [file.name for file in files_at(folder / "**" / "*.parquet")] == [file.name for file in files_at(folder)]
    assert files_at(folder / "day=2026-11-29" / "*")[0].partitions == {"shop": "7"}
    odd = written(tmp_path / "a[1].csv", "click,user\n1,a\n0,b\n")
    assert files_at(odd)[0].path == odd  # a file of this name is no pattern


def test_several_csv_files_are_one_table(tmp_path: Path) -> None:
    """In the order of their names, with a delimiter each; a column of the file itself wins over its folder's."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, line in (("b.csv", "click;user\n0;x\n"), ("a.csv", "click,user\n1,y\n"), ("c.tsv", "user\tclick\tage\nz\t1\t5\n")):
        written(folder / name, line)
    found = read_files((folder,), ReadOptions())
    assert found.rows.to_pylist() == [{"click": "1", "user": "y"}, {"click": "0", "user": "x"}, {"click": "1", "user": "z"}]
    assert [(one.code, one.column) for one in found.notes.kept] == [("new_column", "age")]
    own = (
        written((tmp_path / "own" / "user=q" / "x.csv"), "click,user\n1,y\n") if (tmp_path / "own" / "user=q").mkdir(parents=True) else None
    )
    assert own is None
    written(tmp_path / "own" / "user=q" / "x.csv", "click,user\n1,y\n")
    assert _cells(tmp_path / "own", "user") == ["y"]


def test_files_without_suffix_are_read_where_the_format_is_stated(tmp_path: Path) -> None:
    """Hive writes files called 000000_0: without a format there is nothing to read."""
    folder = tmp_path / "hive"
    folder.mkdir()
    written(folder / "000000_0", "click,user\n1,a\n")
    assert _cells(folder, "user", format="csv") == ["a"]
    with pytest.raises(DataError, match="The folder must hold files of a table, but there is none") as error:
        _cells(folder, "user")
    assert fault_places(error) == [("no_files", None, None)]
    with pytest.raises(DataError, match="The pattern must match files"):
        _cells(folder / "*.csv", "user")


def test_files_without_rows_are_passed_over(tmp_path: Path) -> None:
    """Spark writes some; a table of them alone has no rows."""
    folder = tmp_path / "clicks"
    for name, rows in (("a", range(0)), ("b", range(9)), ("c", range(0))):
        _part(folder / f"{name}.parquet", rows)
    assert len(_cells(folder, "user")) == 9
    for name in ("b.parquet", "c.parquet"):
        (folder / name).unlink()
    _part(folder / "d.parquet", range(0))
    with pytest.raises(DataError, match="must have data rows"):
        _cells(folder, "user")


def test_what_many_files_say_is_said_once(tmp_path: Path) -> None:
    """One warning for the column that nine of ten files have more."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(10):
        written(folder / f"{number}.csv", "click,user,age\n1,y,3\n" if number else "click,user\n1,y\n")
    (note,) = read_files((folder,), ReadOptions()).notes.kept
    assert note.message.startswith("1.csv: The first file has no such column")
    assert note.message.endswith("So it is in 9 files; this is the first.")


def test_rows_of_each_path_are_counted(tmp_path: Path) -> None:
    """A folder counts as one path: what is appended behind it is told from it."""
    folder = _partitioned(tmp_path / "clicks")
    later = _part(tmp_path / "later" / "day=2026-12-01" / "shop=z" / "x.parquet", range(7)).parents[2]
    assert read_files((folder, later / "*"), ReadOptions()).lengths == (180, 7)


def test_a_stage_is_kept_while_every_file_stays(tmp_path: Path) -> None:
    """What tells a folder is each file's name and content; a file alone is told by content and suffix, as before there were folders."""
    folder = _partitioned(tmp_path / "clicks")
    before = contents_of(folder, "auto")
    assert len(before) == 3
    _part(folder / "day=2026-11-29" / "shop=7.0" / "part-0.parquet", range(3))
    assert contents_of(folder, "auto") != before
    single = _part(tmp_path / "x.parquet", range(3))
    assert contents_of(single, "auto")[0] == [".parquet"]
    assert contents_of(tmp_path / "nothing*", "auto") == contents_of(tmp_path / "nothing", "auto") == []


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both numbers."""
    monkeypatch.setattr(places, "MAX_FILES", 2)
    with pytest.raises(DataError, match="at most 2 files, but has 3"):
        files_at(_partitioned(tmp_path / "clicks"))
