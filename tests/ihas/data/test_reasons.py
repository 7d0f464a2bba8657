"""Why a column is what it is taken for, and the file that says so again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.data.column_file import column_file, stated_columns
from ihas.data.findings import ValidationReport
from ihas.data.ingest import inspect
from tests.ihas.data.tables import written

ROWS = 400


def _table(path: Path) -> Path:
    """Every kind of column, and some that are nearly of another kind."""
    rows = range(ROWS)
    columns: dict[str, Any] = {
        "click": ["yes" if n % 3 == 0 else "no" for n in rows],
        "user": [f"u{n % 40}" for n in rows],
        "item": [f"m{n * 7 % 31}" for n in rows],
        "genre": [f"g{n * 7 % 31 % 4}" for n in rows],
        "price": [n / 8 for n in rows],
        "count": [n * n for n in rows],
        "stars": [n % 5 + 0.5 for n in rows],
        "mixed": ["n/k" if n == 17 else str(n / 4) for n in rows],
        "seen": [f"2026-{1 + n // 40:02d}-{1 + n % 28:02d}T{n % 24:02d}:00:00" for n in rows],
        "tags": [["a", "b"][: 1 + n % 2] for n in rows],
        "words": ["|".join(["x", "y", "z"][: 1 + n % 3]) for n in rows],
        "past": [[f"m{n % 30}", f"m{n % 29}"] for n in rows],
        'odd "name" # é': ["same\nline" if n % 2 else "b" for n in rows],
        "note": [f"text {n}" for n in rows],
    }
    pq.write_table(pa.table(columns), path)
    return path


def _report(path: Path, **columns: Any) -> ValidationReport:
    return inspect(DataConfig(path=path, columns=SchemaConfig(**columns)))


def test_every_column_has_its_reason(tmp_path: Path) -> None:
    """With numbers of the table; what keeps a column from being numeric is named, and what is stated is told as such."""
    report = _report(_table(tmp_path / "x.parquet"), ignored=("note",), user_id="user")
    found = {profile.column: profile.reason for profile in report.profiles}
    assert found == {
        "click": "called like a label, as are label, click, clicked; a click is 'yes'; it holds '0' (266), '1' (134)",
        "user": "stated under `user_id`; 40 different texts: categories",
        "item": "31 different texts: categories; called like an item, as are item, movie, ad: the item's id",
        "genre": "4 different texts: categories; each item has one value: it describes the item",
        "price": "400 different numbers, 350 of them with a fraction: numeric",
        "count": "400 different whole numbers, mostly ids or codes: categories; list it under `numeric` if it measures something",
        "stars": "5 different numbers, no more than 20: categories",
        "mixed": "1 of 400 different values are no numbers, such as 'n/k': categories; correct them for numbers",
        "seen": "400 different dates or times: a timestamp, whose parts are fields",
        "seen.hour": "the hour of `seen`",
        "seen.weekday": "the weekday of `seen`",
        "seen.month": "the month of `seen`",
        "tags": "cells hold lists of 2 different values: multi-valued",
        "words": "cells hold values with '|' between them, in different numbers: multi-valued",
        "past": "cells hold lists of 30 different values: multi-valued; 90% of its values or more are items: a history",
        'odd "name" # é': "2 different texts: categories",
        "note": "stated under `ignored`",
    }


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"ignored": ("note",), "user_id": "user", "user": ("stars",), "numeric": ("count",), "display": ("mixed",)},
        {"timestamps": {"seen": {"zone": "Europe/Berlin", "parts": ["hour"]}}, "item": ("item", "genre", "seen"), "item_id": "item"},
        {"label": "click", "positive": ["yes"], "unlabelled": "drop", "time": "seen"},
        {"label": "click", "negatives": {"per_positive": 2, "draw": "popularity"}, "user_id": "user"},
    ],
)
def test_the_file_says_the_same_again(tmp_path: Path, columns: dict[str, Any]) -> None:
    """Read with it, the table has the same schema, whatever was stated or inferred; no name or value breaks its form."""
    path = _table(tmp_path / "x.parquet")
    report = _report(path, **columns)
    text = column_file(report)
    again = _report(path, **tomllib.loads(text))
    assert again.columns == report.columns
    assert stated_columns(again.columns) == stated_columns(report.columns) == SchemaConfig(**tomllib.loads(text))


def test_the_file_has_the_reasons_as_comments(tmp_path: Path) -> None:
    """Beside each column, so that whoever changes it knows what it was taken for."""
    text = column_file(_report(_table(tmp_path / "x.parquet")))
    assert '    "count",  # 400 different whole numbers, mostly ids or codes' in text
    assert '[timestamps."seen"]  # 400 different dates or times' in text
    assert 'label = "click"  # called like a label' in text


def test_a_table_without_label_has_none_in_its_file(tmp_path: Path) -> None:
    """Negatives are drawn for it, and its file says so."""
    lines = [f"u{n % 9},m{n % 7}" for n in range(60)]
    path = written(tmp_path / "x.csv", "\n".join(["user,item", *lines]) + "\n")
    found = tomllib.loads(column_file(_report(path, negatives={}, user_id="user")))
    assert found["negatives"] == {"per_positive": 4, "draw": "uniform"}
    assert "label" not in found


def test_a_hundred_lines_of_one_fault_are_one_error(tmp_path: Path) -> None:
    """Ragged rows, texts among numbers, and lines that are no JSON: one finding each, which names the first rows."""
    rows = ["label,price", *(f"{n % 2},{n}.5" for n in range(50)), *(f"1,x{n}" for n in range(100))]
    report = _report(written(tmp_path / "a.csv", "\n".join(rows) + "\n"), numeric=("price",))
    (error,) = report.errors
    assert (error.code, error.row) == ("not_a_number", 51)
    assert error.message.endswith("100 rows have such a fault, the first of them 51, 52, 53, 54, 55.")
