"""What deceives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data.findings import FindingCollector
from ihas.data.inference import infer_schema
from ihas.data.ingest import ingest, inspect
from ihas.data.readers import read_table
from ihas.data.suspicions import find_rounded_ids, find_telling_columns
from ihas.data.times import days
from ihas.data.validation import validate
from ihas.findings import Finding
from tests.ihas.data.tables import made_table, written

ROWS = 400
RNG = np.random.default_rng(7)
LABELS = RNG.integers(0, 2, ROWS)


def _told(columns: dict[str, Any], **settings: Any) -> list[str | None]:
    table = made_table({"label": LABELS.tolist(), **columns})
    findings = FindingCollector()
    find_telling_columns(table, infer_schema(table, SchemaConfig(**settings)), findings)
    assert {finding.severity for finding in findings.kept} <= {"warning"}
    return [finding.column for finding in findings.kept]


@pytest.mark.parametrize(
    "leak",
    [
        [f"{'paid' if label else 'open'}" for label in LABELS],
        [None if label else "x" for label in LABELS],
        [round(label + noise, 4) for label, noise in zip(LABELS, RNG.uniform(-0.45, 0.45, ROWS), strict=True)],
        [round(abs(label - 0.5 + noise), 4) for label, noise in zip(LABELS * 4, RNG.uniform(-0.1, 0.1, ROWS), strict=True)],
        [["bought", "seen"] if label else ["seen"] for label in LABELS],
    ],
)
def test_a_column_that_alone_tells_the_label_is_told(leak: list[Any]) -> None:
    """A state, a gap, a number, and a list that follow the label are told; what is drawn at random is not."""
    assert _told({"leak": leak, "noise": RNG.integers(0, 9, ROWS).tolist()}) == ["leak"]


def test_an_identifier_tells_nothing() -> None:
    """A value that occurs once says nothing of other rows, and neither does a column of which rows agree with it by chance."""
    assert _told({"id": list(range(ROWS)), "user": RNG.integers(0, 100, ROWS).tolist(), "price": RNG.normal(size=ROWS).tolist()}) == []


def test_few_rows_are_not_judged() -> None:
    """Of ten rows nothing can be told."""
    table = made_table({"label": [0, 1] * 5, "a": ["x", "y"] * 5})
    findings = FindingCollector()
    find_telling_columns(table, infer_schema(table, SchemaConfig()), findings)
    assert findings.kept == []


@pytest.mark.parametrize(("positive", "told"), [(29, ["rare_class"]), (30, [])])
def test_a_class_of_few_rows_is_told(positive: int, told: list[str]) -> None:
    """Fewer than thirty rows of a class are too few to learn from."""
    table = made_table({"label": [1] * positive + [0] * 100, "a": [row % 5 for row in range(positive + 100)]})
    report = validate(table, infer_schema(table, SchemaConfig()))
    assert [finding.code for finding in report.findings if finding.code == "rare_class"] == told


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([str(int(float(2**60 + 997 * row))) for row in range(40)], True),
        ([str(1234567890123456000 + 1000 * row) for row in range(40)], True),
        ([f"1.2345678901{row:02d}E+18" for row in range(40)], True),
        ([str(2**60 + 997 * row) for row in range(40)], False),
        ([str(1000 * row) for row in range(40)], False),
        ([f"{row:016d}" for row in range(40)], False),
        (["x" * 20] * 40, False),
        ([], False),
    ],
)
def test_ids_that_lost_digits_are_told(ids: list[str], told: bool) -> None:
    """Ids beyond 2^53 that a float holds, that end in zeros, or that have an exponent were rounded; others were not."""
    findings = FindingCollector()
    find_rounded_ids(pa.array(ids, pa.string()), "user", findings)
    assert [(finding.code, finding.column) for finding in findings.kept] == [("rounded_ids", "user")] * told


def _ingested(path: Path, split: str, **settings: Any) -> list[Finding]:
    data = DataConfig(path=path, columns=SchemaConfig(**settings))
    kind: Any = split
    report = ingest(data, EncodingConfig(), SplitConfig(kind=kind), 0, path.with_suffix(".out")).report
    assert not report.errors
    return [finding for finding in report.findings if finding.code in ("equal_times", "day_in_all_parts")]


@pytest.mark.parametrize("unit", [1, 1_000, 0])
def test_a_day_in_all_parts_is_told(unit: int, tmp_path: Path) -> None:
    """Rows of a single day are told where they are divided by time, whether times are seconds, milliseconds or texts; else not."""
    second = 1_700_000_000
    times = [f"2023-11-14T{row // 60:02d}:{row % 60:02d}" if not unit else (second + row * 60) * unit for row in range(100)]
    path = written(tmp_path / "x.csv", "label,user,time\n" + "".join(f"{row * 7 % 3 % 2},{row % 5},{t}\n" for row, t in enumerate(times)))
    assert [finding.code for finding in _ingested(path, "time", time="time")] == ["day_in_all_parts"]
    assert "2023-11-14" in _ingested_message(path)
    assert "day_in_all_parts" in {finding.code for finding in inspect(_data(path)).findings}
    path.with_suffix(".out").rename(tmp_path / "other")
    assert _ingested(path, "random", time="time") == []


def _data(path: Path) -> DataConfig:
    return DataConfig(path=path, columns=SchemaConfig(time="time"))


def _ingested_message(path: Path) -> str:
    return next(finding.message for finding in inspect(_data(path)).findings if finding.code == "day_in_all_parts")


def test_equal_times_across_parts_are_told(tmp_path: Path) -> None:
    """Days alone as times leave the order within a day to the file, which matters where a day is divided."""
    lines = (f"{row * 7 % 3 % 2},{row % 5},2023-{row // 28 + 1:02d}-{row // 7 % 4 * 7 + 1:02d}\n" for row in range(200))
    path = written(tmp_path / "x.csv", "label,user,time\n" + "".join(lines))
    told = _ingested(path, "time", time="time")
    assert [finding.code for finding in told] == ["equal_times", "equal_times"]
    assert told[0].message.startswith("7 rows have the same time, and some are in the part 'train', some in 'valid'")


def test_days_of_moments() -> None:
    """Numbers that are no time since 1970 are told as they are."""
    assert days(pa.array(["20231114"]), np.array([20231114.0])) == ["20231114"]
    assert days(pa.array(["2023-11-14"]), np.array([1_699_920_000.0])) == ["2023-11-14"]


def _lists(path: Path, name: str, letter: str) -> Path:
    rows = (
        {"label": row * 7 % 3 % 2, "item": f"i{row % 20}", name: [f"{letter}{(row // 3 + n) % 20}" for n in range(12)]}
        for row in range(100)
    )
    return written(path, "".join(json.dumps(row) + "\n" for row in rows))


def test_a_history_keeps_its_newest_values(tmp_path: Path) -> None:
    """A list of items is a history: the last eight of twelve are kept, in training as in a request, and that is told."""
    data = DataConfig(path=_lists(tmp_path / "x.jsonl", "seen", "i"))
    ingested = ingest(data, EncodingConfig(min_count=1), SplitConfig(), 0, tmp_path / "out")
    (field,) = (field for field in ingested.schema.fields if field.name == "seen")
    assert (field.kind, field.keep) == ("multivalued", "last")
    (told,) = (finding.message for finding in ingested.report.findings if finding.code == "values_cut")
    assert told.startswith("100 of 100 cells have more than `max_values = 8` values, the longest 12. The last 8, the newest, are kept.")
    rows = [{key: row[key] for key in ("item", "seen")} for row in read_table(data.path).to_pylist()]
    shown = {tuple(ids) for ids in ingested.encoder.encode_rows(rows).tolist()}
    assert {tuple(ids) for ids in ingested.parts.train.ids.tolist()} <= shown
    newest = ingested.encoder.encode_row({"seen": [f"i{item}" for item in range(12)]}, ("seen",))
    assert [ingested.encoder.decode("seen", slot) for slot in newest.tolist()] == [f"i{item}" for item in range(4, 12)]


@pytest.mark.parametrize(
    ("settings", "says"), [({}, "The first 8 are kept. If they are a history"), ({"histories": ("tags",)}, "The last 8,")]
)
def test_other_lists_keep_their_first_values(settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    """Values that are no items are cut at the end, and the warning names the setting for a history, which then keeps the last."""
    report = inspect(DataConfig(path=_lists(tmp_path / "x.jsonl", "tags", "t"), columns=SchemaConfig(**settings)))
    (told,) = (finding.message for finding in report.findings if finding.code == "values_cut")
    assert says in told


def test_texts_with_a_separator_are_cut_alike(tmp_path: Path) -> None:
    """Of cells of text the newest values are kept too, by the table's encoding as by the request's."""
    lines = "".join(
        f"{row * 7 % 3 % 2},i{row % 9},{'|'.join(f'i{(row // 2 + n) % 9}' for n in range(row // 3 % 9 + 1))}\n" for row in range(90)
    )
    data = DataConfig(path=written(tmp_path / "x.csv", "label,item,seen\n" + lines))
    ingested = ingest(data, EncodingConfig(max_values=3), SplitConfig(), 0, tmp_path / "out")
    assert next(field for field in ingested.schema.fields if field.name == "seen").keep == "last"
    slots = ingested.encoder.encode_row({"seen": "i1|i2|i3|i4|i5"}, ("seen",)).tolist()
    assert [ingested.encoder.decode("seen", slot) for slot in slots] == ["i3", "i4", "i5"]
    shown = {
        tuple(row) for row in ingested.encoder.encode_rows([{"seen": row["seen"]} for row in read_table(data.path).to_pylist()], ("seen",))
    }
    first = int(ingested.encoder.layout.first_slots[1])
    assert {tuple(row) for row in ingested.parts.train.ids[:, first : first + 3]} <= shown
