"""From files to parts on disk."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import columns, csv_reader, fitting, items, mapped, readers, validation
from ihas.data.ingest import ingest, inspect
from ihas.data.readers import read_table
from ihas.data.storage import load_ingested
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import written
from tests.paths import ROOT

pytestmark = pytest.mark.full

COUPON = ROOT / "data" / "coupon"


def _coupon() -> DataConfig:
    columns = SchemaConfig(**tomllib.loads((COUPON / "columns.toml").read_text()))
    return DataConfig(path=COUPON / "in-vehicle-coupon-recommendation.csv.gz", columns=columns)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _clicks(path: Path, rows: range, **extra: Any) -> Path:
    lines = [f"{n % 2},{n % 5},{'/'.join(['x', 'y'][: 1 + n % 2])}" + "".join(f",{of_row(n)}" for of_row in extra.values()) for n in rows]
    return written(path, "\n".join([",".join(["label", "user", "tags", *extra]), *lines]) + "\n")


def test_the_coupon_data_works_as_it_is(tmp_path: Path) -> None:
    """A column that is 99 % empty and a constant one only warn, and the five coupons become the items."""
    ingested = ingest(_coupon(), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    warnings = {(finding.code, finding.column) for finding in ingested.report.findings}
    assert {("mostly_missing", "Car"), ("constant_column", "ToCoupon_GEQ5min")} <= warnings
    assert not ingested.report.errors
    assert [len(part) for part in (ingested.parts.train, ingested.parts.valid, ingested.parts.test)] == [10142, 1268, 1268]
    assert ingested.items is not None
    assert set(ingested.items.names) == {"Coffee House", "Restaurant(<20)", "Carry out & Take away", "Bar", "Restaurant(20-50)"}
    assert ingested.items.popularity.sum() == 10142
    assert [field.name for field in ingested.schema.fields if field.role == "item"] == ["Coupon"]
    assert {field.kind for field in ingested.schema.fields} == {"categorical"}
    clicks = sum(float(part.labels.sum()) for part in (ingested.parts.train, ingested.parts.valid, ingested.parts.test))
    assert clicks / 12678 == pytest.approx(0.5685, abs=5e-5)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two ingests with one seed are equal to the bit, and another seed splits otherwise."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        ingest(_coupon(), EncodingConfig(), SplitConfig(), seed, tmp_path / name)
    first, again, other = (_bytes(tmp_path / name) for name in "abc")
    assert first == again
    assert first["test/ids.npy"] != other["test/ids.npy"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@given(seed=st.integers(0, 2**16), rows=st.integers(60, 200), size=st.integers(1, 90))
@settings(max_examples=8)
def test_a_table_larger_than_memory_gives_the_same_bytes(
    suffix: str, seed: int, rows: int, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Read in batches of any size, with codes in a mapped file, a table is encoded as it is at once in memory, to the byte."""
    path = _drawn_table(tmp_path_factory.mktemp("table") / f"x.{suffix}", np.random.default_rng(seed), rows)
    data = DataConfig(path=path, columns=SchemaConfig(item_id="item", item=("item", "year"), numeric=("price",), time="time"))
    split = SplitConfig(kind="time" if seed % 2 else "random", valid_fraction=0.3, test_fraction=0.3)
    whole = path.with_name("whole")
    ingest(data, EncodingConfig(), split, seed, whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "IN_MEMORY_BYTES", 0)
        patch.setattr(readers, "BATCH_ROWS", size)
        patch.setattr(csv_reader, "BATCH_ROWS", size)
        patch.setattr(csv_reader, "_BLOCK_BYTES", 400)
        for module, name in ((fitting, "_BLOCK_ROWS"), (items, "_BLOCK_ROWS"), (validation, "_HASHED_ROWS"), (columns, "_COUNTED_ROWS")):
            patch.setattr(module, name, size)
        ingest(data, EncodingConfig(), split, seed, path.with_name("cut"))
    assert _bytes(path.with_name("cut")) == _bytes(whole)


def _drawn_table(path: Path, rng: np.random.Generator, rows: int) -> Path:
    tags = [["x", "y", "z"][: rng.integers(0, 4)] for _ in range(rows)]
    table = pa.table(
        {
            "label": np.arange(rows) % 2,
            "item": pa.array([None if n == 0 else f"item {n % 7}" for n in rng.integers(0, 20, rows)]),
            "year": rng.integers(1990, 1994, rows),
            "price": np.round(rng.normal(size=rows), 2),
            "tags": ["|".join(cell) for cell in tags] if path.suffix == ".csv" else tags,
            "time": rng.permutation(rows),
        }
    )
    if path.suffix == ".jsonl":
        return written(path, "".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    (pyarrow.csv.write_csv if path.suffix == ".csv" else pyarrow.parquet.write_table)(table, path)
    return path


def test_what_was_written_is_mapped_and_decodes_to_the_file(tmp_path: Path) -> None:
    """Parts are read-only maps; each training row decodes to its cells, and is what the encoder makes of them."""
    path = _clicks(tmp_path / "x.csv", range(40), part=lambda n: ("train", "train", "valid", "test")[n // 2 % 4])
    data = DataConfig(path=path, columns=SchemaConfig(multivalued={"tags": "/"}))
    ingest(data, EncodingConfig(), SplitConfig(kind="given", column="part"), 0, tmp_path / "out")
    loaded = load_ingested(tmp_path / "out")
    rows = [row for row in read_table(path).to_pylist() if row["part"] == "train"]
    assert isinstance(loaded.parts.train.ids.base, np.memmap)
    assert not loaded.parts.train.ids.flags.writeable
    assert loaded.schema.ignored == ("part",)
    assert np.array_equal(
        loaded.parts.train.ids, loaded.encoder.encode_rows([{name: row[name] for name in ("user", "tags")} for row in rows])
    )
    assert [loaded.encoder.decode("user", row) for row in loaded.parts.train.ids[:, 0].tolist()] == [row["user"] for row in rows]
    assert loaded.parts.train.labels.tolist() == [float(row["label"]) for row in rows]
    assert loaded.items is None


def test_the_encoder_sees_training_rows_only(tmp_path: Path) -> None:
    """A value that only test rows hold is unknown to the encoder."""
    train, test = _clicks(tmp_path / "train.csv", range(40)), _clicks(tmp_path / "test.csv", range(40), extra=lambda _: 1)
    test.write_text(test.read_text().replace(",4,", ",new,"))
    ingested = ingest(DataConfig(path=train, test_path=test), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    assert [len(part) for part in (ingested.parts.train, ingested.parts.valid, ingested.parts.test)] == [36, 4, 40]
    assert ingested.encoder.decode("user", int(ingested.parts.test.ids[4, 0])) == "(unknown)"


@pytest.mark.parametrize(("bad", "code"), [("2,1,x", "label_not_binary"), ("1,1", "ragged_row")])
def test_bad_rows_stop_the_ingest_and_nothing_is_left(bad: str, code: str, tmp_path: Path) -> None:
    """A wrong label and a short row are errors with their row; no folder appears."""
    path = _clicks(tmp_path / "x.csv", range(40))
    path.write_text(path.read_text() + bad + "\n")
    with pytest.raises(DataError) as error:
        ingest(DataConfig(path=path), EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    assert [(finding.code, finding.row) for finding in error.value.findings] == [(code, 41)]
    assert [left.name for left in tmp_path.iterdir()] == ["x.csv"]


def test_inspection_reports_what_ingest_refuses(tmp_path: Path) -> None:
    """A wrong label is a finding of the report, in the file that holds it; nothing is raised and nothing written."""
    train, test = _clicks(tmp_path / "train.csv", range(40)), _clicks(tmp_path / "test.csv", range(40))
    test.write_text(test.read_text() + "7,1,x\n")
    report = inspect(DataConfig(path=train, test_path=test))
    assert [(finding.code, finding.row, finding.message[:11]) for finding in report.errors] == [("label_not_binary", 41, "test_path: ")]
    assert (report.rows, report.columns.label) == (40, "label")


def test_files_must_have_the_same_columns(tmp_path: Path) -> None:
    """A validation file without a column of the training file is refused, and so is one with lists where it has none; a
    column that does not exist cannot split."""
    train = _clicks(tmp_path / "train.csv", range(40))
    other = written(tmp_path / "valid.csv", "label,user\n1,2\n0,2\n")
    with pytest.raises(DataError, match="column `tags`: valid_path: All files must have the same columns"):
        inspect(DataConfig(path=train, valid_path=other))
    lists = written(tmp_path / "lists.jsonl", '{"label": 1, "user": 2, "tags": ["x"]}\n')
    main = written(tmp_path / "main.jsonl", '{"label": 1, "user": 2, "tags": "x"}\n')
    with pytest.raises(DataError, match="lists in all files or in none"):
        inspect(DataConfig(path=main, test_path=lists))
    with pytest.raises(ConfigError, match="`split.column` must name a column"):
        ingest(DataConfig(path=train), EncodingConfig(), SplitConfig(kind="given", column="no"), 0, tmp_path / "out")
