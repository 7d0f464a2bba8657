"""Files of events: read in batches, whatever their form, and what is wrong with a row is told with its number."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.errors import DataError
from ihas_service.client import batching
from ihas_service.client import event_file as module
from ihas_service.client.event_file import EventColumns, batches

ROWS = [
    {"user": "ada", "hour": 12, "movie": 7, "stars": 4.0, "when": "2026-11-30T12:00:00+00:00"},
    {"user": "bob", "hour": None, "movie": 8, "stars": None, "when": "2026-11-30T13:00:00+00:00"},
]
COLUMNS = EventColumns(model="films", kind="rating", item="movie", at="when", value="stars")
EXPECTED = [
    {"item_id": "7", "at": ROWS[0]["when"], "value": 4.0, "context": {"user": "ada", "hour": 12}, "model": "films", "kind": "rating"},
    {"item_id": "8", "at": ROWS[1]["when"], "context": {"user": "bob"}, "model": "films", "kind": "rating"},
]


def read(path: Path, columns: EventColumns = COLUMNS) -> list[dict[str, Any]]:
    """All events of a file."""
    return [event for batch in batches(path, columns) for event in batch.rows]


def written(path: Path, text: str) -> Path:
    """A file with the text, compressed where its name says so."""
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def lines(*rows: Any) -> str:
    """JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["events.jsonl", "events.ndjson.gz"])
def test_json_lines_are_read(tmp_path: Path, name: str) -> None:
    """Blank lines are none; columns that are none of the event's are its context."""
    assert read(written(tmp_path / name, "\n" + lines(*ROWS) + "\n")) == EXPECTED


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz", "events.tsv"])
def test_csv_is_read_as_texts(tmp_path: Path, name: str) -> None:
    """Empty cells are missing; only the value becomes a number, for the service reads cells as a training table's."""
    between = "\t" if "tsv" in name else ","
    text = '\ufeffuser,hour,movie,stars,when\r\nada,12,7,4,{0}\r\n"bob",,8,,{1}\r\n'.replace(",", between)
    expected = [{**EXPECTED[0], "context": {"user": "ada", "hour": "12"}}, EXPECTED[1]]
    assert read(written(tmp_path / name, text.format(*(row["when"] for row in ROWS)))) == expected


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    """Times without a zone are UTC."""
    moments = [datetime(2026, 11, 30, hour) for hour in (12, 13)]
    pq.write_table(pa.Table.from_pylist([{**row, "when": at} for row, at in zip(ROWS, moments, strict=True)]), tmp_path / "events.parquet")
    assert read(tmp_path / "events.parquet") == EXPECTED
    assert moments[0].replace(tzinfo=UTC).isoformat() == ROWS[0]["when"]


def test_what_a_row_says_itself_stands(tmp_path: Path) -> None:
    """Its own model and kind; a row with a recommendation has no context, and one with a context keeps it."""
    own = {"recommendation_id": "rc_1", "item_id": "m1", "kind": "click"}
    whole = {"model": "songs", "context": {"user": 7}, "item_id": "m1", "kind": "cart", "at": 5}
    assert read(written(tmp_path / "events.jsonl", lines(own, whole)), EventColumns(model="films")) == [own, whole]


def test_batches_are_bounded_in_rows_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says which row is its first; an event larger than a batch is one of its own."""
    monkeypatch.setattr(batching, "AT_ONCE", 3)
    monkeypatch.setattr(module, "BATCH_BYTES", 200)
    rows = [{"item_id": str(number), "recommendation_id": "rc", "kind": "c"} for number in range(7)]
    rows[4]["kind"] = "x" * 500
    found = list(batches(written(tmp_path / "events.jsonl", lines(*rows)), EventColumns()))
    assert [(batch.first, len(batch.rows)) for batch in found] == [(1, 3), (4, 1), (5, 1), (6, 2)]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.jsonl", lines(ROWS[0]) + "{\n", "Row 2 cannot be read: a line must be JSON"),
        ("a.jsonl", lines(ROWS[0], [1]), "Row 2 cannot be read: a line must be a JSON object, but got .*1"),
        ("a.jsonl", '{"value": NaN}\n', "Row 1 cannot be read: it holds a value that JSON has not"),
        ("a.jsonl", "[" * 100_000 + "\n", "Row 1 cannot be read"),
        ("a.jsonl", '{"a": "' + "x" * 2**20 + '"}', "at most 1,048,576 characters"),
        ("a.csv", "user,movie\nada,1\nbob\n", "Row 2 cannot be read: a row must have 2 cells"),
        ("a.csv", "user,movie\nada,1,2\n", "Row 1 cannot be read: a row must have 2 cells"),
        ("a.csv", 'user,movie\nada,"1\n', "Row 1 cannot be read"),
        ("a.parquet", "user,movie\n", "must be Parquet"),
        ("a.xlsx", "user,movie\n", r"must end in \.jsonl, \.csv, \.tsv or \.parquet"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_row(tmp_path: Path, name: str, text: str, why: str) -> None:
    """One line says what is wrong, and where."""
    with pytest.raises(DataError, match=why):
        read(written(tmp_path / name, text))


def test_rows_before_a_wrong_one_are_given(tmp_path: Path) -> None:
    """They are reported before the file is refused; bytes that are no UTF-8, and a value of a type that JSON has not, are told too."""
    found = batches(written(tmp_path / "a.jsonl", lines(*ROWS) + "nothing\n"), COLUMNS)
    assert next(found).rows == EXPECTED
    with pytest.raises(DataError, match="Row 3"):
        next(found)
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="Row 1 cannot be read: .*utf-8"):
        read(tmp_path / "b.jsonl")
    pq.write_table(pa.table({"movie": ["1"], "price": [Decimal("1.5")]}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match="Row 1 cannot be read: it holds a value that JSON has not"):
        read(tmp_path / "c.parquet")
