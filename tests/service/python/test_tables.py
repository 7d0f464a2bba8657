"""Tables that a program holds, as files and as rows."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from ihas.data.readers import read_table
from ihas.errors import ConfigError, DataError, RequestError
from ihas_service.python.tables import Query, arrow_table, data_file, rows_of

FRAME = pl.DataFrame({
    "user": ["ada", None], "age": [7, 8], "share": [0.5, 1.0], "new": [True, False], "tags": [["b", "a"], []],
    "at": [datetime(2024, 5, 1, 12, 30), datetime(2024, 5, 2)],
})  # fmt: skip


@pytest.mark.parametrize("table", [FRAME, FRAME.to_arrow()], ids=["polars", "arrow"])
def test_a_cell_is_the_same_text_in_training_and_in_a_request(table: object, tmp_path: Path) -> None:
    """A DataFrame that is written for a run and one whose rows are scored have the same canonical cells, times and lists too."""
    rows = rows_of(table)
    assert rows == read_table(data_file(table, tmp_path)).to_pylist()
    assert rows[0] == {"user": "ada", "age": "7", "share": "0.5", "new": "true", "tags": ["b", "a"], "at": "2024-05-01 12:30:00"}
    assert rows[1]["user"] is None


def test_texts_of_polars_can_be_taken_by_row() -> None:
    """polars exports views of texts, of which Arrow takes no rows; they become plain texts."""
    assert arrow_table(FRAME).take(np.array([1, 0]))["user"].to_pylist() == [None, "ada"]


def test_rows_of_dicts_stay_but_for_numbers_of_numpy() -> None:
    """A dict is one row; NumPy's scalars and arrays are Python's, also within lists."""
    given = {"user": np.int64(3), "share": np.float64(0.25), "tags": np.array(["a", "b"]), "seen": [np.int32(1)], "name": "x"}
    assert rows_of(given) == [{"user": 3, "share": 0.25, "tags": ["a", "b"], "seen": [1], "name": "x"}]
    assert rows_of([]) == []


@pytest.mark.parametrize("wrong", ["user=1", 3, [1, 2], np.zeros((2, 2))])
def test_what_is_no_table_is_refused(wrong: object, tmp_path: Path) -> None:
    """Rows without names are told what rows are; a table to learn from, which forms it may have."""
    with pytest.raises(RequestError, match="Rows must be a DataFrame, an Arrow table or a list of dicts, but got"):
        rows_of(wrong)
    if not isinstance(wrong, str):
        with pytest.raises(ConfigError, match="A table must be a DataFrame of pandas or polars, an Arrow table, a path, a URL or"):
            data_file(wrong, tmp_path)


def test_values_that_no_cell_has_are_refused() -> None:
    """A column of structures is named, with its type."""
    with pytest.raises(DataError, match="`who` holds struct<name: string>"):
        rows_of(pa.table({"who": [{"name": "ada"}]}))


def test_a_path_stays_and_a_url_is_fetched(tmp_path: Path) -> None:
    """A file of this machine is read where it is; what a URL names is fetched under its suffixes, and one that leads nowhere is told."""
    source = tmp_path / "clicks.csv.gz"
    source.write_bytes(b"bytes")
    assert data_file(str(source), tmp_path / "new") == data_file(source, tmp_path / "new") == source.resolve()
    fetched = data_file(source.as_uri(), tmp_path / "new", "path")
    assert (fetched.name, fetched.read_bytes()) == ("path.csv.gz", b"bytes")
    with pytest.raises(ConfigError, match="A table's URL must lead to a file, but file:"):
        data_file((tmp_path / "none.csv").as_uri(), tmp_path / "new")


def test_a_query_is_a_table(tmp_path: Path) -> None:
    """Its rows are written to a file; the URL is in no representation of it."""
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("create table clicks as select 1 as click, 'ada' as user")
    database.close()
    query = Query(f"sqlite:///{tmp_path}/shop.db?password=hush", "select * from clicks")
    assert read_table(data_file(query, tmp_path / "out", "path")).to_pylist() == [{"click": "1", "user": "ada"}]
    assert "hush" not in repr(query)
    with pytest.raises(ConfigError, match="`url` must be a URL") as error:
        data_file(Query("hush", "select 1"), tmp_path)
    assert "hush" not in str(error.value)
