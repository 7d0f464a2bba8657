"""Days between two times as a numeric field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import DataConfig, SchemaConfig, TimestampColumn
from ihas.config.encoding import EncodingConfig
from ihas.config.negatives import NegativesConfig
from ihas.config.split import SplitConfig
from ihas.data.column_file import stated_columns
from ihas.data.field_encoders import MISSING
from ihas.data.ingest import ingest, inspect
from ihas.data.moments import days_between, local_time
from ihas.errors import ConfigError, DataError, RequestError
from tests.ihas.data.tables import fault_places, written

START = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = "seen.days_since.last"
COLUMNS = SchemaConfig(
    timestamps={"seen": TimestampColumn(parts=("hour",), days_since=("last",)), "last": TimestampColumn(parts=("hour",))}
)


def _written(path: Path, gaps: list[float | None], clicks: list[int], at: list[str] | None = None) -> Path:
    lines = ["seen,last,click"]
    for row, (gap, click) in enumerate(zip(gaps, clicks, strict=True)):
        seen = START + timedelta(minutes=37 * row)
        last = "" if gap is None else (seen - timedelta(days=gap)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        lines.append(f"{seen.isoformat()},{at[row] if at else last},{click}")
    return written(path, "\n".join(lines) + "\n")


def _gaps(rows: int = 60) -> list[float | None]:
    return [None if row == 7 else row / 4 for row in range(rows)]


def test_rows_and_the_table_count_the_same_days(tmp_path: Path) -> None:
    """Of each row of the table, and of a request with the same two times, in any spelling; the field may be stated itself."""
    path = _written(tmp_path / "x.csv", _gaps(), [row % 2 for row in range(60)])
    data = DataConfig(path=path, columns=COLUMNS)
    report = inspect(data)
    (profile,) = [one for one in report.profiles if one.column == DAYS]
    assert (profile.kind, profile.quantiles, profile.reason) == (
        "numeric",
        (0.0, 3.75, 7.5, 11.25, 14.75),
        "the days since `last` of `seen`",
    )
    assert stated_columns(report.columns).timestamps == COLUMNS.timestamps
    ingested = ingest(data, EncodingConfig(num_buckets=4), SplitConfig(), 0, tmp_path / "encoded")
    encoder = ingested.encoder
    place, first = encoder.layout.names.index(DAYS), int(encoder.layout.first_rows[encoder.layout.names.index(DAYS)])
    seen = {part: np.array(getattr(ingested.parts, part).ids) for part in ("train", "valid", "test")}
    lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
    rows = [{"seen": one, "last": other} for one, other, _ in lines]
    encoded = encoder.encode_rows(rows)
    assert sorted(map(tuple, encoded.tolist())) == sorted(tuple(row) for ids in seen.values() for row in ids.tolist())
    assert encoded[7, place] == first + MISSING
    epoch = {"seen": START.timestamp() + 9 * 37 * 60, "last": rows[9]["last"]}
    assert encoder.encode_row(epoch)[place] == encoded[9, place]
    assert encoder.encode_row({**rows[9], DAYS: 0})[place] == encoded[0, place]
    assert encoder.encode_row({"seen": rows[9]["seen"]})[place] == first + MISSING


def test_what_is_no_time_is_named(tmp_path: Path) -> None:
    """With row and column, in the table; with its pointer, in a request."""
    at = ["2024-01-01T00:00:00"] * 59 + ["soon"]
    data = DataConfig(path=_written(tmp_path / "x.csv", _gaps(), [row % 2 for row in range(60)], at), columns=COLUMNS)
    with pytest.raises(DataError) as caught:
        ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "encoded")
    assert fault_places(caught) == [("not_a_timestamp", 60, "last")]
    good = DataConfig(path=_written(tmp_path / "y.csv", _gaps(), [row % 2 for row in range(60)]), columns=COLUMNS)
    encoder = ingest(good, EncodingConfig(), SplitConfig(), 0, tmp_path / "encoded").encoder
    with pytest.raises(RequestError, match="`last` must be an ISO 8601") as refused:
        encoder.encode_row({"seen": START.isoformat(), "last": "soon"}, pointer="/rows/2")
    assert refused.value.pointer == "/rows/2/last"


@pytest.mark.parametrize("other", ["lst", "click", "seen"])
def test_days_are_counted_between_timestamps(tmp_path: Path, other: str) -> None:
    """Any other column is refused by name."""
    path = _written(tmp_path / "x.csv", _gaps(), [row % 2 for row in range(60)])
    columns: dict[str, Any] = {"seen": {"days_since": [other]}, "last": {}}
    with pytest.raises(ConfigError, match=f"`days_since` of `seen` must name other columns of `timestamps`, but got '{other}'"):
        inspect(DataConfig(path=path, columns=SchemaConfig(timestamps=columns)))


def _released(path: Path) -> Path:
    lines = [f"m{row % 5},{2020 + row % 5}-01-01,{(START + timedelta(hours=row)).isoformat()},{row % 2},u{row % 3}" for row in range(80)]
    return written(path, "\n".join(["item,released,seen,click,user", *lines]) + "\n")


def test_days_lead_to_the_request(tmp_path: Path) -> None:
    """From a time of the item they are its age, a field of the context; the other way round is refused with the way out."""
    path = _released(tmp_path / "x.csv")
    columns: dict[str, Any] = {"seen": {"days_since": ["released"]}, "released": {}}
    fields = inspect(DataConfig(path=path, columns=SchemaConfig(timestamps=columns))).columns.fields
    assert [(one.kind, one.role) for one in fields if one.name == "seen.days_since.released"] == [("numeric", "context")]
    columns = {"seen": {}, "released": {"days_since": ["seen"]}}
    with pytest.raises(ConfigError, match="but `released` describes the item and `seen` the request"):
        inspect(DataConfig(path=path, columns=SchemaConfig(item_id="item", item=("item", "released"), timestamps=columns)))


def test_a_drawn_item_has_no_age(tmp_path: Path) -> None:
    """A negative has the context of its positive, whose age would be another item's."""
    columns: dict[str, Any] = {"seen": {"days_since": ["released"]}, "released": {}}
    known = SchemaConfig(label="click", positive="1", user_id="user", item_id="item", negatives=NegativesConfig(), timestamps=columns)
    with pytest.raises(ConfigError, match="which a drawn item does not have"):
        inspect(DataConfig(path=_released(tmp_path / "x.csv"), columns=known))


def test_days_are_those_that_have_passed() -> None:
    """Where summer time ends between two moments of one zone, a day of 25 hours lies between them."""
    first, second = (local_time(f"2024-10-{day}T12:00:00", "Europe/Berlin") for day in (26, 27))
    assert days_between(first, second) == pytest.approx(25 / 24, abs=1e-4)
