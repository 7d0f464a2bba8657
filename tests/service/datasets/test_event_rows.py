"""Rows of what was shown, as files: read by the settings that they come with, they have the schema of the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import DataConfig
from ihas.data.ingest import inspect
from ihas.data.item_table import FieldValues
from ihas.data.schema import Field, Schema, Timestamp
from ihas_service.datasets import event_files
from ihas_service.datasets.event_files import EventFile, FileForm
from ihas_service.datasets.event_rows import EventRows
from ihas_service.errors import ConflictError
from ihas_service.storage.positive import Positive
from ihas_service.storage.shown_rows import Placed, RowsAsked, ShownRow

SCHEMA = Schema(
    label="bought",
    fields=(
        Field(name="user", kind="categorical"),
        Field(name="age", kind="numeric"),
        Field(name="seen", kind="multivalued", keep="last"),
        Field(name="tags", kind="multivalued", separator="|"),
        Field(name="sku", kind="categorical", role="item"),
        Field(name="score", kind="numeric", role="item"),
        Field(name="kinds", kind="multivalued", role="item", separator=" "),
    ),
    item_id="sku",
    time="day",
    ignored=("note", "group"),
)
ASKED = RowsAsked("acme", "shop", 0.0, 9.0, 9.0, 1.0, Positive("click"))


@dataclass(frozen=True)
class Shop:
    """A model of two articles."""

    schema: Schema = SCHEMA

    @property
    def described_items(self) -> tuple[Mapping[str, FieldValues], Sequence[str]]:
        """`a` costs 2.5 and is of two kinds; of `b` nothing is known."""
        score = FieldValues.single(("2.5",), np.array([0, -1]))
        kinds = FieldValues(("old", "red"), np.array([0, 2, 2]), np.array([1, 0], np.int32), multivalued=True)
        title = FieldValues.single(("Ale",), np.array([0, -1]))
        return {"score": score, "kinds": kinds, "title": title}, ("a", "b")

    def completed(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """User 7 is 33 years old."""
        return {"age": 33, **context} if context.get("user") == 7 else context


def shown(number: int, context: Mapping[str, Any], item: str) -> ShownRow:
    """A row; every second one is positive."""
    placed = Placed(f"rc_{number}", 1, 0.5, 0.25, 2, 1, canary=True, explored=True) if number % 3 else None
    return ShownRow(1_796_040_000.0 + number, json.dumps(context), item, number % 2 == 1, placed)


CONTEXTS: tuple[Mapping[str, Any], ...] = (
    {"user": 7, "age": "33.50", "seen": ["a", 2, None], "tags": ["x", "y"]},
    {"user": " ada ", "age": 40, "seen": [], "tags": "x|z"},
    {"user": "b\0b", "age": None, "tags": ["x"]},
    {},
)
ROWS = [shown(number, CONTEXTS[number % 4], ("a", "b", "new")[number % 3]) for number in range(40)]


def written(folder: Path, form: FileForm, rows: EventRows) -> Path:
    """The file of the rows."""
    path = folder / f"rows.{form}"
    path.write_bytes(b"".join(EventFile(form, rows, ASKED).pieces(iter(ROWS))))
    return path


def test_cells_are_those_of_the_training_table() -> None:
    """Worked by hand: texts in one form, numbers as numbers, lists joined where the table joins them; a character that no file holds is
    replaced, and what is not known is missing."""
    rows = EventRows(Shop())
    cells = [rows.row(row) for row in ROWS[:3]]

    assert cells == [
        {"bought": 0, "user": "7", "age": 33.5, "seen": ["a", "2"], "tags": "x|y", "sku": "a", "score": 2.5, "kinds": "red old",
         "day": 1_796_040_000.0, "note": None, "group": None},
        {"bought": 1, "user": "ada", "age": 40.0, "seen": None, "tags": "x|z", "sku": "b", "score": None, "kinds": None,
         "day": 1_796_040_001.0, "note": None, "group": None},
        {"bought": 0, "user": "b\N{REPLACEMENT CHARACTER}b", "age": None, "seen": None, "tags": "x", "sku": "new", "score": None,
         "kinds": None, "day": 1_796_040_002.0, "note": None, "group": None},
    ]  # fmt: skip
    assert [column.name for column in rows.columns] == list(cells[0])


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("details", [True, False])
def test_a_data_set_of_them_has_the_models_schema(tmp_path: Path, form: FileForm, details: bool) -> None:
    """Field by field, with kinds, roles, separators and histories; columns that say where an item was shown give way to the table's,
    and are ignored."""
    rows = EventRows(Shop(), details)
    data = DataConfig.model_validate({**rows.reading(form), "path": written(tmp_path, form, rows)})
    report = inspect(data)
    found = Schema.model_validate(report.columns.model_dump())

    extra = ("recommendation_id", "rank", "shown_score", "propensity", "version", "shown_group", "canary", "explored") if details else ()
    assert found == SCHEMA.model_copy(update={"ignored": (*SCHEMA.ignored, *extra)})
    assert report.rows == 40


def test_a_table_without_a_time_gets_one_under_a_free_name(tmp_path: Path) -> None:
    """Also where the schema's own time is a field, whose values a request states."""
    fields = (*SCHEMA.fields, Field(name="at", kind="categorical"))
    rows = EventRows(Shop(SCHEMA.model_copy(update={"fields": fields, "time": "at"})))
    data = DataConfig.model_validate({**rows.reading("jsonl"), "path": written(tmp_path, "jsonl", rows)})

    assert (rows.time, data.columns.time) == ("shown_at", "at")
    assert EventRows(Shop(SCHEMA.model_copy(update={"time": None}))).time == "at"


def test_a_time_of_the_context_is_as_it_was_stated(tmp_path: Path) -> None:
    """Its parts are those of the model's own table when the rows are read; what is no time is missing, and no rule is asked of labels."""
    stamp = Timestamp(name="met", parts=("hour", "weekday"), zone="Europe/Berlin")
    parts = tuple(Field(name=name, kind="categorical") for name in stamp.fields.values())
    schema = SCHEMA.model_copy(update={"fields": (*SCHEMA.fields, *parts), "timestamps": (stamp,), "positive": ">= 4"})
    rows = EventRows(Shop(schema))
    met = ("2023-01-01T23:30Z", 1_672_615_800, "soon", None)
    moments = [shown(number, {"met": met[number % 4], "seen": ["a", "b"]}, "a") for number in range(40)]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(EventFile("jsonl", rows, ASKED).pieces(iter(moments))))
    report = inspect(DataConfig.model_validate({**rows.reading("jsonl"), "path": path}))

    assert [rows.row(one)["met"] for one in moments[:4]] == ["2023-01-01T23:30Z", "1672615800", None, None]
    assert not report.errors
    assert (report.columns.timestamps, {field.name for field in report.columns.fields}) == (
        (stamp,),
        {field.name for field in schema.fields},
    )
    hours = next(profile for profile in report.profiles if profile.column == "met.hour")
    assert (hours.commonest, hours.missing) == ((("0", 20),), 0.5)


def test_blocks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By lines, and by bytes of contexts; each is a piece, and all together are the file."""
    file = EventFile("jsonl", EventRows(Shop()), ASKED)
    whole = b"".join(file.pieces(iter(ROWS)))
    monkeypatch.setattr(event_files, "LINES", 7)
    pieces = list(file.pieces(iter(ROWS)))
    monkeypatch.setattr(event_files, "BLOCK_BYTES", 1)

    assert [piece.count(b"\n") for piece in pieces] == [7] * 5 + [5]
    assert [piece.count(b"\n") for piece in file.pieces(iter(ROWS))] == [1] * 40
    assert b"".join(pieces) == whole


def test_without_pyarrow_rows_are_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet is refused with the way out."""
    monkeypatch.setattr(event_files, "find_spec", lambda name: None)
    assert event_files.best_form() == "jsonl"
    with pytest.raises(ConflictError, match=r"pyarrow.*`jsonl`.*ihas\[train\]"):
        EventFile("parquet", EventRows(Shop()), ASKED)
    assert list(EventFile("jsonl", EventRows(Shop()), replace(ASKED, open=True)).pieces(iter(ROWS[:1])))


def test_rows_have_what_is_known_of_their_user_and_what_items_display() -> None:
    """A context that states the user alone becomes a row with the user's age, as it was scored; titles are a column, and read as such."""
    schema = SCHEMA.model_copy(update={"user_id": "user", "user": ("age",), "display": ("title",)})
    rows = EventRows(Shop(schema))
    known, stated = (rows.row(ShownRow(5.0, json.dumps({"user": 7, **more}), "a", True, None)) for more in ({}, {"age": 5}))
    columns = rows.reading("parquet")["columns"]

    assert (known["age"], stated["age"], known["title"]) == (33.0, 5.0, "Ale")
    assert (columns["user_id"], columns["user"], columns["display"]) == ("user", ["age"], ["title"])
    assert "title" not in EventRows(Shop()).row(ShownRow(5.0, "{}", "a", True, None))
