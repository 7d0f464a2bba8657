"""Tables in several files are the files' rows one after the other."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import mapped
from ihas.data.appending import read_files
from ihas.data.ingest import ingest
from ihas.data.reading import ReadOptions
from ihas.errors import DataError
from tests.ihas.data.tables import fault_places, written

ROWS = st.lists(
    st.tuples(st.sampled_from(["0", "1"]), st.sampled_from(["a", "b", "7", "x y"]), st.integers(0, 10**6)), min_size=1, max_size=12
)


def csv(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """A file of clicks, items and prices."""
    return written(path, "click,item,price\n" + "".join(f"{click},{item},{price}\n" for click, item, price in rows))


def of_kind(path: Path, kind: str, rows: Sequence[Sequence[Any]]) -> Path:
    """The rows as a file of a kind."""
    if kind == "csv":
        return csv(path.with_suffix(".csv"), rows)
    named = [{"click": int(click), "item": item, "price": price} for click, item, price in rows]
    if kind == "jsonl":
        return written(path.with_suffix(".jsonl"), "".join(json.dumps(row) + "\n" for row in named))
    pq.write_table(pa.Table.from_pylist(named), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(["csv", "jsonl", "parquet"]), ROWS), min_size=1, max_size=4))
def test_several_files_hold_the_rows_of_one(files: list[tuple[str, list[tuple[str, str, int]]]]) -> None:
    """Whatever their formats: the cells are those of one file with all rows, in order, and lengths are the files'."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [of_kind(folder / f"part{number}", kind, rows) for number, (kind, rows) in enumerate(files)]
        found = read_files(paths, ReadOptions())
        whole = read_files([csv(folder / "whole.csv", [row for _, rows in files for row in rows])], ReadOptions()).rows

    assert found.rows.to_pydict() == whole.to_pydict()
    assert found.lengths == tuple(len(rows) for _, rows in files)


def test_a_run_learns_the_same_from_parts_as_from_one_file(tmp_path: Path) -> None:
    """Ids, labels, encoder: every file of the encoded folder but the report is equal to the byte."""
    rows = [(number % 2, f"item-{number % 7}", number * 0.5) for number in range(200)]
    parts = [csv(tmp_path / f"{first}.csv", rows[first : first + 50]) for first in range(0, 200, 50)]
    together = DataConfig(path=csv(tmp_path / "all.csv", rows))
    apart = DataConfig(path=parts[0], appended=tuple(parts[1:]))
    folders = [tmp_path / "together", tmp_path / "apart"]
    for data, folder in zip((together, apart), folders, strict=True):
        ingest(data, EncodingConfig(), SplitConfig(), 0, folder)
    names = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*") if path.is_file())

    assert len(names) > 8
    assert [name for name in names if (folders[0] / name).read_bytes() != (folders[1] / name).read_bytes()] == []


def test_tables_beyond_memory_are_joined_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for 1,000 bytes, all rows are there."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", 1_000)
    parts = [csv(tmp_path / f"{part}.csv", [(row % 2, f"i{row}", row) for row in range(part * 500, part * 500 + 500)]) for part in range(3)]

    assert read_files(parts, ReadOptions()).rows.column("item").to_pylist() == [f"i{row}" for row in range(1_500)]


def test_single_values_are_lists_of_one_after_lists(tmp_path: Path) -> None:
    """A first file of lists takes single values and empty cells; a first file of single values takes no lists."""
    lists = written(tmp_path / "a.jsonl", '{"click": 0, "tags": ["x", "y"]}\n{"click": 1, "tags": []}\n')
    single = written(tmp_path / "b.csv", "click,tags\n0,z\n1,\n")

    assert read_files([lists, single], ReadOptions()).rows.column("tags").to_pylist() == [["x", "y"], [], ["z"], []]
    with pytest.raises(DataError) as refused:
        read_files([single, lists], ReadOptions())
    assert fault_places(refused) == [("unexpected_list", None, "tags")]


def test_columns_that_are_missing_are_refused_and_new_ones_are_told(tmp_path: Path) -> None:
    """By name; the order of columns does not matter."""
    first = written(tmp_path / "a.csv", "click,item\n0,a\n")
    turned = written(tmp_path / "b.csv", "item,extra,click\nb,9,1\n")
    short = written(tmp_path / "c.csv", "click\n1\n")
    found = read_files([first, turned], ReadOptions())

    assert found.rows.to_pydict() == {"click": ["0", "1"], "item": ["a", "b"]}
    assert [(note.code, note.column) for note in found.notes.kept] == [("new_column", "extra")]
    with pytest.raises(DataError, match=r"c\.csv cannot be appended") as refused:
        read_files([first, short], ReadOptions())
    assert fault_places(refused) == [("missing_column", None, "item")]


def test_a_broken_file_among_others_is_named(tmp_path: Path) -> None:
    """With the row within it."""
    first = csv(tmp_path / "a.csv", [(0, "a", 1)])
    broken = written(tmp_path / "b.csv", "click,item,price\n1,b,2\n1,b\n")

    with pytest.raises(DataError, match=r"b\.csv") as refused:
        read_files([first, broken], ReadOptions())
    assert fault_places(refused)[0][1] == 2


def test_a_file_without_a_telling_suffix_is_read_as_the_first(tmp_path: Path) -> None:
    """A format that is stated holds for it."""
    files = [written(tmp_path / name, "click,item\n1,a\n") for name in ("a.dat", "b.dat")]

    assert read_files(files, ReadOptions("csv")).rows.num_rows == 2
    assert DataConfig(path=files[0], appended=(files[1],), columns=SchemaConfig()).paths == tuple(files)
