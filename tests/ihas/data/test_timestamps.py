"""Columns of dates and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import mapped
from ihas.data.field_encoders import MISSING
from ihas.data.findings import ValidationReport
from ihas.data.ingest import ingest, inspect
from ihas.data.storage import Ingested
from ihas.errors import ConfigError
from tests.ihas.data.tables import written

ROWS = 600
START = datetime(2023, 1, 2, tzinfo=UTC)
TIMES = [START + timedelta(hours=17 * row) for row in range(ROWS)]
"""More than a year, all hours."""


def _file(path: Path, cells: list[str], name: str = "seen") -> Path:
    lines = (f"u{row % 7},{row % 6},{cell},{row * 5 % 7 % 2}" for row, cell in enumerate(cells))
    return written(path, "\n".join([f"user,item,{name},click", *lines]) + "\n")


def _inspected(path: Path, **columns: Any) -> ValidationReport:
    return inspect(DataConfig(path=path, columns=SchemaConfig(**columns)))


def _ingested(path: Path, folder: Path, **columns: Any) -> Ingested:
    return ingest(DataConfig(path=path, columns=SchemaConfig(**columns)), EncodingConfig(min_count=1), SplitConfig(), 0, folder)


def _iso(times: list[datetime] = TIMES) -> list[str]:
    return [time.isoformat() for time in times]


def test_a_column_of_times_is_told(tmp_path: Path) -> None:
    """600 different dates and times are hour, weekday and month, not 600 categories; the report says why, and how to change it."""
    report = _inspected(_file(tmp_path / "x.csv", _iso()))
    (told,) = [finding for finding in report.findings if finding.code == "timestamp_told"]
    assert "600 different dates or times, such as '2023-01-02T00:00:00+00:00'" in told.message
    assert [field.name for field in report.columns.fields] == ["user", "item", "seen.hour", "seen.weekday", "seen.month"]
    kinds = {profile.column: (profile.purpose, profile.kind, profile.distinct) for profile in report.profiles}
    assert kinds["seen"] == ("timestamp", None, 600)
    assert [kinds[f"seen.{part}"][2] for part in ("hour", "weekday", "month")] == [24, 7, 12]


@pytest.mark.parametrize(("name", "told"), [("seen_at", True), ("timestamp", True), ("user_id", False), ("updates", False)])
def test_an_epoch_is_told_by_its_columns_name(name: str, told: bool, tmp_path: Path) -> None:
    """Whole numbers of that size may be ids: they are times where the column is called like one."""
    report = _inspected(_file(tmp_path / "x.csv", [f"{time.timestamp():.0f}" for time in TIMES], name))
    assert bool(report.columns.timestamps) is told


@pytest.mark.parametrize(
    ("cells", "settings"),
    [
        (_iso(), {"categorical": ("seen",)}), (_iso(), {"ignored": ("seen",)}), (_iso(), {"time": "seen"}),
        ([*_iso()[:-1], "soon"], {}), (_iso(TIMES[:20]) * 30, {}),
    ],
)  # fmt: skip
def test_what_is_stated_otherwise_is_none(cells: list[str], settings: dict[str, Any], tmp_path: Path) -> None:
    """A category, an ignored column, the order of the rows, texts among the times, and 20 different ones stay what they were."""
    assert not _inspected(_file(tmp_path / "x.csv", cells), **settings).columns.timestamps


def test_parts_that_do_not_differ_are_left_out(tmp_path: Path) -> None:
    """Dates of three months are weekdays: their hour is always 0, and months need 300 days; whoever wants them states them."""
    days = [(START + timedelta(days=row % 90)).date().isoformat() for row in range(ROWS)]
    path = _file(tmp_path / "x.csv", days)
    assert [one.parts for one in _inspected(path).columns.timestamps] == [("weekday",)]
    stated = _inspected(path, timestamps={"seen": {"parts": ["month", "hour"]}})
    assert [field.name for field in stated.columns.fields][2:] == ["seen.month", "seen.hour"]


def test_a_time_zone_moves_the_hour(tmp_path: Path) -> None:
    """The hour is that of the stated zone; a wall clock without a zone stays as it is."""
    path = _file(tmp_path / "x.csv", [f"2023-01-02T00:{row % 60:02d}:00Z" for row in range(ROWS)])
    ingested = _ingested(path, tmp_path / "x", timestamps={"seen": {"zone": "Asia/Tokyo", "parts": ["hour"]}})
    assert ingested.encoder.fields[2].text(2) == "9"
    path = _file(tmp_path / "y.csv", [f"2023-01-02 00:{row % 60:02d}:00" for row in range(ROWS)])
    ingested = _ingested(path, tmp_path / "y", timestamps={"seen": {"zone": "Asia/Tokyo", "parts": ["hour"]}})
    assert ingested.encoder.fields[2].text(2) == "0"


@pytest.mark.parametrize("kind", ["iso", "seconds", "parquet-ms", "parquet-zone", "parquet-date"])
@pytest.mark.parametrize("in_memory", [1 << 28, 1])
def test_requests_read_what_training_reads(kind: str, in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a file spells its times, a row that states the moment gets the ids of the training table; tables larger than memory too."""
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", in_memory)
    cells = [f"{time.timestamp():.0f}" for time in TIMES] if kind == "seconds" else _iso()
    path = _file(tmp_path / "x.csv", cells)
    if kind.startswith("parquet"):
        types = {"parquet-ms": pa.timestamp("ms"), "parquet-zone": pa.timestamp("ns", "Asia/Tokyo"), "parquet-date": pa.date32()}
        path = tmp_path / "x.parquet"
        times: Any = pa.array([time.replace(tzinfo=None) for time in TIMES], pa.timestamp("us"))
        times = (
            times.cast(types[kind])
            if kind != "parquet-zone"
            else times.cast(pa.timestamp("ns")).cast(pa.timestamp("ns", "UTC")).cast(types[kind])
        )
        click = [row * 5 % 7 % 2 for row in range(ROWS)]
        pyarrow.parquet.write_table(pa.table({"user": [f"u{row % 7}" for row in range(ROWS)], "seen": times, "click": click}), path)
    ingested = ingest(
        DataConfig(path=path, columns=SchemaConfig(timestamps={"seen": {"parts": ["hour", "weekday", "month"]}})),
        EncodingConfig(min_count=1), SplitConfig(kind="random", valid_fraction=0.1, test_fraction=0.1), 0, tmp_path / "out",
    )  # fmt: skip
    encoder = ingested.encoder
    names = [name for name in encoder.layout.names if name != "item"]
    stated = [
        {"user": f"u{row % 7}", "seen": time.date().isoformat() if kind == "parquet-date" else time.isoformat()}
        for row, time in enumerate(TIMES)
    ]
    from_rows = np.sort(np.array([encoder.encode_row(row, names) for row in stated]), axis=0)
    slots = [int(encoder.layout.first_slots[encoder.layout.names.index(name)]) for name in names]
    parts = (ingested.parts.train, ingested.parts.valid, ingested.parts.test)
    from_table = np.sort(np.concatenate([np.asarray(part.ids)[:, slots] for part in parts]), axis=0)
    unknown = encoder.layout.first_rows.tolist()
    assert not set(from_rows.ravel().tolist()) & set(unknown)
    np.testing.assert_array_equal(from_rows, from_table)


def test_missing_times_are_a_value_of_their_own(tmp_path: Path) -> None:
    """Empty cells and NULL are missing in each part, in the table and in a request; the warning counts them."""
    cells = ["" if row % 5 == 0 else "NULL" if row % 5 == 1 else cell for row, cell in enumerate(_iso())]
    ingested = _ingested(_file(tmp_path / "x.csv", cells), tmp_path / "out")
    encoder, layout = ingested.encoder, ingested.encoder.layout
    missing = [int(layout.first_rows[layout.names.index(name)]) + MISSING for name in ("seen.hour", "seen.weekday")]
    assert "120 cells say 'NULL': read as missing." in {finding.message for finding in ingested.report.findings}
    for cell in (None, "", "NULL"):
        assert encoder.encode_row({"seen": cell}, ("seen.hour", "seen.weekday", "seen.month"))[:2].tolist() == missing


def test_a_cell_that_is_no_time_is_told_with_its_row(tmp_path: Path) -> None:
    """In a column that is stated to be one of times, each text that is none is an error with row and column."""
    cells = _iso()
    cells[4], cells[7] = "soon", "12/31/2023"
    report = _inspected(_file(tmp_path / "x.csv", cells), timestamps=["seen"])
    assert [(finding.code, finding.row, finding.column) for finding in report.errors] == [
        ("not_a_timestamp", 5, "seen"),
        ("not_a_timestamp", 8, "seen"),
    ]
    report = _inspected(_file(tmp_path / "y.csv", ["soon"] * ROWS), timestamps=["seen"])
    assert ["So it is in 600 rows" in finding.message for finding in report.errors] == [True]


def test_settings_that_contradict_are_refused(tmp_path: Path) -> None:
    """An unknown column or zone, a part without a name, a second purpose, and a column that has a part's name."""
    path = _file(tmp_path / "x.csv", _iso())
    with pytest.raises(ConfigError, match="`timestamps` must name columns of the table"):
        _inspected(path, timestamps=["sen"])
    with pytest.raises(ConfigError, match="both `categorical` and `timestamps`"):
        _inspected(path, timestamps=["seen"], categorical=("seen",))
    with pytest.raises(ConfigError, match="Rename it"):
        _inspected(written(tmp_path / "y.csv", path.read_text().replace("user,", "seen.hour,", 1)), timestamps=["seen"])
    for settings in (
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"zone": "America"},
        {"zone": ""},
        {"parts": []},
        {"parts": ["minute"]},
    ):
        with pytest.raises(ValidationError):
            SchemaConfig.model_validate({"timestamps": {"seen": settings}})


def test_the_time_of_an_item_describes_it(tmp_path: Path) -> None:
    """One release per item: its parts are item fields, all of them or none, and stand in the item table."""
    lines = [
        f"u{row % 7},{row % 30},{(START + timedelta(days=11 * (row % 30), hours=row % 30)).isoformat()},{row * 5 % 7 % 2}"
        for row in range(ROWS)
    ]
    path = written(tmp_path / "x.csv", "\n".join(["user,item,released,click", *lines]) + "\n")
    ingested = _ingested(path, tmp_path / "out")
    items = {field.name for field in ingested.schema.fields if field.role == "item"}
    assert items == {"item", "released.hour", "released.weekday", "released.month"}
    assert ingested.items is not None
    assert set(ingested.items.values or ()) == items - {"item"}
    stated = _ingested(path, tmp_path / "stated", item=("item", "released"), timestamps={"released": {"parts": ["month"]}})
    assert [field.name for field in stated.schema.fields if field.role == "item"] == ["item", "released.month"]


def test_a_time_that_orders_rows_may_be_a_field_too(tmp_path: Path) -> None:
    """The column of a split by time is a timestamp where it is listed as one."""
    path = _file(tmp_path / "x.csv", _iso())
    columns = SchemaConfig(time="seen", timestamps={"seen": {"parts": ["hour"]}})
    ingested = ingest(DataConfig(path=path, columns=columns), EncodingConfig(), SplitConfig(kind="time"), 0, tmp_path / "out")
    assert (ingested.schema.time, ingested.encoder.layout.names) == ("seen", ("user", "item", "seen.hour"))
