"""Vectors: what is read, told, refused, and learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.columns import VectorColumn
from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FIRST_VALUE, LEVELS, MISSING, STEPS, VectorEncoder, level_values
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.ingest import ingest, inspect
from ihas.data.layout import PADDING
from ihas.data.number_lists import BLOCK_ROWS
from ihas.data.schema import Field, Schema
from ihas.data.vectors import fit_vector
from ihas.errors import ConfigError, DataError, RequestError
from ihas.serving.grouped.row_reader import RowReader
from tests.ihas.data.tables import fault_places, made_table, written

SCHEMA = Schema(label="label", fields=(Field(name="picture", kind="vector", dim=3), Field(name="user", kind="categorical")))
finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5)
CELLS = st.none() | st.lists(finite, min_size=3, max_size=3)


def _table(cells: list[Any]) -> pa.Table:
    lists = made_table({"picture": [*cells, [1.0, 2.0, 3.0]], "user": ["a"] * (len(cells) + 1), "label": [1] * (len(cells) + 1)})
    return lists.slice(0, len(cells))


@given(st.lists(CELLS, min_size=1, max_size=8), st.lists(CELLS, max_size=4))
def test_tables_and_rows_encode_alike(train: list[Any], other: list[Any]) -> None:
    """The table, single rows and the short way of serving get the same ids, whatever the numbers; JSON brings back an equal encoder."""
    encoder = Encoder.from_json(fit_encoder(_table(train), SCHEMA, EncodingConfig()).to_json())
    cells = train + other
    ids, _ = encode_table(_table(cells), SCHEMA, encoder)
    rows = [{"picture": cell, "user": "a"} for cell in cells]
    np.testing.assert_array_equal(ids, encoder.encode_rows(rows))
    np.testing.assert_array_equal(ids, RowReader(encoder, encoder.layout.names).read_all(rows, "")[0])
    assert encoder.layout.vectors == (3, 0)


@given(st.lists(st.floats(-3.9, 3.9), min_size=5, max_size=5))
def test_the_mean_of_a_cell_is_the_vector_times_the_matrix(numbers: list[float]) -> None:
    """Whatever the matrix, to half a level of each number."""
    field = VectorEncoder(name="x", role="context", means=(0.0,) * 5, scales=(1.0,) * 5)
    matrix = np.random.default_rng(0).normal(size=(5, 2))
    rows = (level_values(5)[:, None] * matrix[:, None]).reshape(-1, 2)  # of all levels of all numbers
    mean = rows[np.array(field.encode(numbers, "")) - FIRST_VALUE].mean(axis=0)
    nearest = np.abs(matrix).sum(axis=0) / (2 * STEPS) / np.sqrt(5)
    assert (np.abs(mean - np.array(numbers) @ matrix / np.sqrt(5)) <= nearest + 1e-6).all()


def test_numbers_are_standardised() -> None:
    """By mean and deviation of training rows; what never varies keeps its place, what lies far out is the outermost level."""
    encoder = fit_encoder(_table([[0.0, 5.0, 1e300], [10.0, 5.0, -1e300], None]), SCHEMA, EncodingConfig())
    (field, _) = encoder.fields
    assert isinstance(field, VectorEncoder)
    assert (field.means[:2], field.scales[:2]) == ((5.0, 5.0), (5.0, 1.0))
    ids = np.array(field.encode([5.0, 6.0, 1e308], "")) - FIRST_VALUE
    assert (ids // LEVELS).tolist() == [0, 1, 2]
    assert (ids[:2] % LEVELS).tolist() == [32, 40]
    assert field.encode([-1e308, 5, 0], "")[0] == FIRST_VALUE
    assert [field.encode(cell, "") for cell in (None, [])] == [(MISSING,)] * 2
    assert [field.text(local) for local in (0, 1, FIRST_VALUE + 32)] == ["(unknown)", "(missing)", "[0] near 5.31"]


@pytest.mark.parametrize(
    ("cell", "told", "place"),
    [
        ([1.0, 2.0], "must be a list of 3 numbers, but got 2 of them", ""),
        ([1.0] * 4, "but got 4 of them", ""),
        ({"1": 1.0, "2": 2.0, "3": 3.0}, "must be a list of 3 numbers, but got {'1'", ""),
        ("1 2 3", "but got '1 2 3'", ""),
        (1.5, "but got 1.5", ""),
        ([1.0, float("nan"), 2.0], "must be a number", "/1"),
        ([1.0, 2.0, float("inf")], "must be a number", "/2"),
        ([1.0, None, 2.0], "one is missing", "/1"),
        ([1.0, "much", 2.0], "must be a number", "/1"),
        ([True, 1, 2], "must be a number", "/0"),
        ([[1.0], 1, 2], "must be a number", "/0"),
    ],
)
def test_what_is_no_vector_is_refused_at_its_place(cell: Any, told: str, place: str) -> None:
    """In a request, with a pointer to the row, the field and the number."""
    field = VectorEncoder(name="x", role="context", means=(0.0,) * 3, scales=(1.0,) * 3)
    with pytest.raises(RequestError, match=told) as caught:
        Encoder(fields=(field,)).encode_row({"x": cell}, pointer="/rows/4")
    assert caught.value.pointer == f"/rows/4/x{place}"


def _written(path: Path, cells: list[Any]) -> Path:
    rows = [{"picture": cell, "user": f"u{n % 7}", "click": n % 2} for n, cell in enumerate(cells)]
    return written(path, "".join(json.dumps(row) + "\n" for row in rows))


def _vectors(rows: int, dim: int = 4) -> list[Any]:
    return np.random.default_rng(1).normal(size=(rows, dim)).round(3).tolist()


def _inspected(path: Path, **columns: Any) -> Any:
    return inspect(DataConfig(path=path, columns=SchemaConfig(**columns)))


def test_vectors_are_told_with_their_reason(tmp_path: Path) -> None:
    """Of lists of one length with fractions; other lists, and those that are stated to be, are of several values."""
    report = _inspected(_written(tmp_path / "x.jsonl", [None, *_vectors(30)]))
    assert [(field.kind, field.dim) for field in report.columns.fields] == [("vector", 4), ("categorical", None)]
    profile = next(one for one in report.profiles if one.column == "picture")
    assert profile.reason == "each cell is a list of 4 numbers, some with a fraction: vector"
    assert not report.errors
    for cells in ([[1, 2, 3, 4]] * 30, [[0.5, 1.5]] * 30, [[0.5] * (4 + n % 2) for n in range(30)]):
        assert _inspected(_written(tmp_path / "y.jsonl", cells)).columns.fields[0].kind == "multivalued"
    assert _inspected(tmp_path / "x.jsonl", multivalued={"picture": "|"}).columns.fields[0].kind == "multivalued"


def test_rows_with_other_vectors_are_named(tmp_path: Path) -> None:
    """Row and column, and what is wrong; nothing is written."""
    cells = _vectors(30)
    cells[3], cells[8], cells[11] = [0.5, 0.5, 0.5], [0.5, None, 1.0, 2.0], [0.5, "much", 1.0, 2.0]
    data = DataConfig(path=_written(tmp_path / "x.jsonl", cells), columns=SchemaConfig(vectors={"picture": VectorColumn(dim=4)}))
    report = inspect(data)
    assert [(one.code, one.row, one.column) for one in report.errors] == [
        ("vector_length", 4, "picture"), ("vector_length", 9, "picture"), ("not_a_number", 12, "picture")
    ]  # fmt: skip
    with pytest.raises(DataError, match="row 4, column `picture`: A vector must have 4 numbers, but this one has 3") as caught:
        ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "encoded")
    assert fault_places(caught)[2] == ("not_a_number", 12, "picture")
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


def test_numbers_that_are_not_finite_are_named(tmp_path: Path) -> None:
    """Of a Parquet file, whose lists may have a fixed size: NaN and infinity, with the row."""
    cells = np.array(_vectors(30), np.float32)
    cells[5, 1], cells[6, 2] = np.nan, np.inf
    lists = pa.FixedSizeListArray.from_arrays(pa.array(cells.ravel()), 4)
    pq.write_table(pa.table({"picture": lists, "click": [n % 2 for n in range(30)]}), tmp_path / "x.parquet")
    report = _inspected(tmp_path / "x.parquet", vectors=["picture"])
    assert [(one.code, one.row) for one in report.errors] == [("vector_length", 6), ("not_a_number", 7)]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"vectors": ["user"]}, "cells of `user` are single values"),
        ({"vectors": ["picture"], "categorical": ["picture"]}, "both `categorical` and `vectors`"),
        ({"vectors": ["pictur"]}, "`vectors` must name columns of the table"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, columns: dict[str, Any], told: str) -> None:
    """With the column's name."""
    with pytest.raises(ConfigError, match=told):
        _inspected(_written(tmp_path / "x.jsonl", _vectors(30)), **columns)


def test_an_item_s_vector_is_among_its_ids(tmp_path: Path) -> None:
    """And not among the texts that filters read."""
    vectors = _vectors(5)
    rows = [{"item": f"m{n % 5}", "picture": vectors[n % 5], "user": f"u{n % 7}", "click": n % 2} for n in range(60)]
    path = written(tmp_path / "x.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    ingested = ingest(DataConfig(path=path), EncodingConfig(min_count=1), SplitConfig(), 0, tmp_path / "encoded")
    assert ingested.items is not None
    assert ingested.items.ids.shape == (5, 5)
    assert (ingested.items.ids != PADDING).all()
    assert dict(ingested.items.values or {}) == {}


def test_vectors_longer_than_any_are_refused(tmp_path: Path) -> None:
    """Each number is a column of ids, so their number is bounded also where nobody states it."""
    path = _written(tmp_path / "t.jsonl", [[0.5] * 1_025] * 8)
    with pytest.raises(ConfigError, match=r"A vector must have at most 1,024 numbers, but the first one of `picture` has 1,025"):
        inspect(DataConfig(path=path))


def test_means_and_deviations_are_those_of_all_blocks_of_rows() -> None:
    """Over more rows than a block; empty cells count nothing, and a number that is the same in every row has no deviation of rounding."""
    rng = np.random.default_rng(0)
    vectors = np.column_stack([rng.integers(-50, 50, (BLOCK_ROWS + 5_000, 2)) / 8, np.full(BLOCK_ROWS + 5_000, 0.1)])
    cells = [None if row % 7 == 0 else list(map(str, vector)) for row, vector in enumerate(vectors.tolist())]
    field = fit_vector(pa.table({"picture": cells}), SCHEMA.fields[0], None)
    told = vectors[np.arange(len(vectors)) % 7 != 0]

    np.testing.assert_allclose(field.means, told.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(field.scales, [*told[:, :2].std(axis=0), 1.0], rtol=1e-12)
