"""A newer table, read as an earlier one was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.config.data import DataConfig, SchemaConfig, TimestampColumn
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.split import SplitConfig
from ihas.data.ingest import ingest
from ihas.data.reingest import Earlier, ingest_newer
from ihas.errors import DataError
from tests.ihas.data.tables import written

COLUMNS = SchemaConfig(label="label", numeric=("age",), time="day", item=("item",), item_id="item")
HEADER = "label,user,item,age,day"


def _line(number: int) -> str:
    return f"{number % 2},u{number % 7},i{number % 3 + number // 80},{'NA' if number % 20 == 3 else number % 50},{number}"


def _file(folder: Path, rows: range, header: str = HEADER, suffix: str = "") -> DataConfig:
    lines = "\n".join([header, *(_line(number) + suffix for number in rows)])
    return DataConfig(path=written(folder / f"{rows.stop}-{len(header)}.csv", lines + "\n"), columns=COLUMNS)


def _earlier(folder: Path, kind: str = "random") -> Earlier:
    config = LearningConfig(split=SplitConfig(kind=kind))
    data = ingest(_file(folder, range(100)), config.encoding, config.split, config.seed, folder / "old")
    return Earlier(data, config)


def test_an_unchanged_table_is_read_as_it_was(tmp_path: Path) -> None:
    """The same rows in the same parts, by the same encoder."""
    earlier = _earlier(tmp_path)
    again = ingest_newer(_file(tmp_path, range(100)), earlier, tmp_path / "new")

    assert again.encoder == earlier.data.encoder
    assert again.schema == earlier.data.schema
    for name in ("train", "valid", "test"):
        assert np.array_equal(getattr(again.parts, name).ids, getattr(earlier.data.parts, name).ids)


def test_no_row_that_was_trained_on_becomes_one_that_judges(tmp_path: Path) -> None:
    """Of a random split, old rows stay in their parts while the table grows; parts grow by their fractions."""
    earlier = _earlier(tmp_path)
    grown = ingest_newer(_file(tmp_path, range(200)), earlier, tmp_path / "new")

    assert [len(getattr(grown.parts, name)) for name in ("train", "valid", "test")] == [160, 20, 20]


def test_a_split_by_time_takes_the_newest_rows(tmp_path: Path) -> None:
    """The last tenth is for test, and new items are in the encoder and in the item table."""
    grown = ingest_newer(_file(tmp_path, range(200)), _earlier(tmp_path, "time"), tmp_path / "new")

    assert [len(getattr(grown.parts, name)) for name in ("train", "valid", "test")] == [160, 20, 20]
    assert grown.items is not None
    assert set(grown.items.names) == {"i0", "i1", "i2", "i3"}


def test_words_for_missing_numbers_are_missing_again(tmp_path: Path) -> None:
    """`NA` in a column of numbers is a missing cell of the newer table too."""
    earlier = _earlier(tmp_path, "time")
    grown = ingest_newer(_file(tmp_path, range(200)), earlier, tmp_path / "new")
    place = earlier.data.encoder.layout.names.index("age")
    missing = grown.encoder.encode_row({"user": "u1", "item": "i1", "age": None})[place]

    assert int((grown.parts.train.ids[:, place] == missing).sum()) == len([n for n in range(160) if n % 20 == 3])


def test_further_columns_are_not_looked_at(tmp_path: Path) -> None:
    """A column that the first table had not changes nothing."""
    earlier = _earlier(tmp_path)
    wider = ingest_newer(_file(tmp_path, range(100), HEADER + ",note", ",something"), earlier, tmp_path / "new")

    assert wider.schema == earlier.data.schema


@pytest.mark.parametrize(
    ("header", "code", "column"),
    [("label,user,product,age,day", "missing_column", "item"), ("label,user,item,age,when", "missing_column", "day")],
)
def test_a_missing_column_is_told_and_nothing_is_written(tmp_path: Path, header: str, code: str, column: str) -> None:
    """The finding names the column, and no folder appears."""
    earlier = _earlier(tmp_path, "time")
    with pytest.raises(DataError, match="does not fit the model") as caught:
        ingest_newer(_file(tmp_path, range(100), header), earlier, tmp_path / "new")

    assert [(finding.code, finding.column) for finding in caught.value.findings] == [(code, column)]
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []


def test_texts_where_numbers_were_are_told_row_by_row(tmp_path: Path) -> None:
    """A field that was numeric stays numeric: a text in it is an error with its row."""
    earlier = _earlier(tmp_path)
    rows = "\n".join([HEADER, *(_line(number) for number in range(50)), "1,u1,i1,young,50"])
    with pytest.raises(DataError, match="finite decimal number") as caught:
        ingest_newer(DataConfig(path=written(tmp_path / "text.csv", rows + "\n"), columns=COLUMNS), earlier, tmp_path / "new")

    assert (caught.value.findings[0].column, caught.value.findings[0].row) == ("age", 51)
    assert not (tmp_path / "new").exists()


def test_lists_where_single_values_were_are_refused(tmp_path: Path) -> None:
    """A column of another type is told by its name."""
    earlier, path = _earlier(tmp_path), tmp_path / "lists.parquet"
    rows = range(100)
    table = pa.table(
        {
            "label": [number % 2 for number in rows],
            "user": [[f"u{number % 7}"] for number in rows],
            "item": [f"i{number % 3}" for number in rows],
            "age": list(rows),
            "day": list(rows),
        }
    )
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(DataError, match="Cells must be one value") as caught:
        ingest_newer(DataConfig(path=path, columns=COLUMNS), earlier, tmp_path / "new")

    assert caught.value.findings[0].column == "user"


def test_one_label_class_is_refused(tmp_path: Path) -> None:
    """A newer table of clicks alone tells nothing, and says so."""
    earlier = _earlier(tmp_path)
    rows = "\n".join([HEADER, *("1" + _line(number)[1:] for number in range(50))])
    with pytest.raises(DataError, match="both classes"):
        ingest_newer(DataConfig(path=written(tmp_path / "ones.csv", rows + "\n"), columns=COLUMNS), earlier, tmp_path / "new")


@pytest.mark.parametrize("kind", ["random", "time"])
def test_rules_times_and_knots_are_read_again(kind: str, tmp_path: Path) -> None:
    """A rule for labels, rows without one, a timestamp in its zone and numbers between knots are those of the first table."""

    def line(number: int) -> str:
        label = "" if number % 11 == 0 else number % 5 + 1
        seen = f"2023-0{1 + number % 9}-1{number % 10}T{number % 24:02d}:00"
        return f"{label},u{number % 7},i{number % 3},{number * 37 % 101 / 4},{number},{seen}"

    def file(rows: range) -> DataConfig:
        lines = "\n".join(["rating,user,item,price,day,seen", *map(line, rows)])
        return DataConfig(path=written(tmp_path / f"{rows.stop}.csv", lines + "\n"), columns=columns)

    columns = SchemaConfig(
        label="rating", positive=">= 4", unlabelled="drop", numeric=("price",), item=("item",), item_id="item", time="day",
        timestamps={"seen": TimestampColumn(zone="Europe/Berlin", parts=("hour", "month"))},
    )  # fmt: skip
    config = LearningConfig(split=SplitConfig(kind=kind), encoding=EncodingConfig(numeric="piecewise"))
    earlier = Earlier(ingest(file(range(200)), config.encoding, config.split, config.seed, tmp_path / "old"), config)
    again = ingest_newer(file(range(200)), earlier, tmp_path / "again")
    grown = ingest_newer(file(range(400)), earlier, tmp_path / "grown")

    assert again.encoder == earlier.data.encoder
    assert again.schema == grown.schema == earlier.data.schema
    for name in ("train", "valid", "test"):
        assert np.array_equal(getattr(again.parts, name).ids, getattr(earlier.data.parts, name).ids)
        assert np.array_equal(getattr(again.parts, name).labels, getattr(earlier.data.parts, name).labels)
    assert sum(len(getattr(grown.parts, name)) for name in ("train", "valid", "test")) == sum(number % 11 != 0 for number in range(400))
    assert grown.encoder.timestamps == earlier.data.encoder.timestamps
    assert (
        grown.encoder.encode_row({"seen": "2023-03-01 05:00"}).tolist() == grown.encoder.encode_row({"seen": "2023-03-01T04:00Z"}).tolist()
    )


def test_labels_that_are_0_and_1_already_stand(tmp_path: Path) -> None:
    """A newer table of what was shown holds 0 and 1, of which the rule of the first one says nothing."""
    lines = "\n".join(
        ["label,user,item,age,day", *(f"{number % 5 + 1},u{number % 7},i{number % 3},{number % 50},{number}" for number in range(100))]
    )
    data = DataConfig(path=written(tmp_path / "old.csv", lines + "\n"), columns=COLUMNS.model_copy(update={"positive": ">= 4"}))
    config = LearningConfig(split=SplitConfig(kind="time"))
    earlier = Earlier(ingest(data, config.encoding, config.split, config.seed, tmp_path / "old"), config)
    newer = ingest_newer(_file(tmp_path, range(100)), earlier, tmp_path / "new")

    assert int(newer.parts.train.labels.sum()) == 40
    assert "label_stands" in {finding.code for finding in newer.report.findings}
