"""Lists of floating-point numbers stay numbers where they are vectors, and say the same as their texts."""

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

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.split import SplitConfig
from ihas.data import mapped
from ihas.data.cell_codes import cell_codes
from ihas.data.changes import changes_of
from ihas.data.columns import LIST, as_texts, list_column
from ihas.data.ingest import ingest, inspect, read_tables
from ihas.data.number_lists import FORMS, as_numbers, holds_numbers, number_blocks
from ihas.data.schema import Field, Schema
from ihas.errors import DataError

CELLS = st.lists(st.none() | st.lists(st.none() | st.floats(width=32), max_size=3), max_size=6)


def _vectors(rows: int, dim: int = 4) -> list[Any]:
    return np.random.default_rng(3).normal(size=(rows, dim)).round(3).tolist()


def _rows(cells: list[Any]) -> dict[str, Any]:
    return {"picture": cells, "user": [f"u{row % 7}" for row in range(len(cells))], "click": [row % 2 for row in range(len(cells))]}


def _parquet(path: Path, cells: list[Any], kind: Any = None) -> Path:
    rows = _rows(cells)
    kind = pa.list_(pa.float32()) if kind is None else kind
    pq.write_table(pa.table({**rows, "picture": pa.array(cells, kind)}), path)
    return path


def _json(path: Path, cells: list[Any]) -> Path:
    rows = _rows(cells)
    lines = [json.dumps(dict(zip(rows, values, strict=True))) for values in zip(*rows.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@given(CELLS)
def test_numbers_are_those_of_their_texts(cells: list[Any]) -> None:
    """Null and NaN within a cell count nothing, and a missing cell is an empty one; equal cells have equal codes."""
    column = pa.chunked_array([pa.array(cells, pa.list_(pa.float32()))])
    numbers, kept = as_numbers(column), [[x for x in cell or () if x is not None and x == x] for cell in cells]
    assert numbers.to_pylist() == kept
    table = pa.table({"a": pa.chunked_array([numbers], FORMS[0])})
    texts = pa.table({"a": as_texts(table.column("a"))})
    assert texts.column("a").type == LIST
    assert list_column(table, "a").lengths.tolist() == list_column(texts, "a").lengths.tolist() == list(map(len, kept))
    own, other = cell_codes(table, "a"), cell_codes(texts, "a")
    assert (own < 0).tolist() == (other < 0).tolist()
    np.testing.assert_array_equal(own[:, None] == own, other[:, None] == other)
    for _, found in number_blocks(texts, "a"):
        ((_, own_numbers),) = number_blocks(table, "a")
        np.testing.assert_array_equal(np.isfinite(own_numbers.values), np.isfinite(found.values))
        near = np.isfinite(found.values)
        np.testing.assert_allclose(own_numbers.values[near], found.values[near], rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float64(), 4)])
def test_every_kind_of_file_gives_the_same_table(tmp_path: Path, kind: Any) -> None:
    """Parquet of any list of floats, and JSON: the same encoder and ids."""
    cells = np.float32(_vectors(300)).astype(float).tolist()
    paths = [_parquet(tmp_path / "a.parquet", cells, kind), _json(tmp_path / "b.jsonl", cells)]
    found = [ingest(DataConfig(path=path), EncodingConfig(), SplitConfig(), 0, tmp_path / path.stem) for path in paths]
    assert found[0].encoder == found[1].encoder
    assert [field.kind for field in found[0].encoder.fields] == ["vector", "categorical"]
    np.testing.assert_array_equal(found[0].parts.train.ids, found[1].parts.train.ids)


def test_only_vectors_stay_numbers(tmp_path: Path) -> None:
    """Lists of other lengths, and such as are stated otherwise, are texts as before."""
    path = _parquet(tmp_path / "a.parquet", _vectors(40))
    assert holds_numbers(read_tables(DataConfig(path=path)).rows["train"], "picture")
    for columns in (SchemaConfig(multivalued={"picture": "|"}), SchemaConfig(ignored=("picture",)), SchemaConfig(display=("picture",))):
        assert not holds_numbers(read_tables(DataConfig(path=path, columns=columns)).rows["train"], "picture")
    other = _parquet(tmp_path / "b.parquet", [[0.5], [0.5, 1.5]] * 20)
    assert read_tables(DataConfig(path=other)).rows["train"].column("picture").type == LIST
    stated = DataConfig(path=other, columns=SchemaConfig.model_validate({"vectors": ["picture"]}))
    assert [one.code for one in inspect(stated).errors][:1] == ["vector_length"]


def test_a_number_that_is_not_finite_is_told_with_its_row(tmp_path: Path) -> None:
    """And one that is missing makes its vector too short; nothing is written."""
    cells: list[Any] = _vectors(40)
    cells[4][1], cells[9][0], cells[11] = float("inf"), float("nan"), None
    data = DataConfig(path=_parquet(tmp_path / "a.parquet", cells), columns=SchemaConfig.model_validate({"vectors": ["picture"]}))
    with pytest.raises(DataError) as caught:
        ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "out")
    found = {(one.code, one.row, one.column) for one in caught.value.findings}
    assert found == {("not_a_number", 5, "picture"), ("vector_length", 10, "picture")}
    assert "'inf'" in str([one.message for one in caught.value.findings])
    assert not (tmp_path / "out").exists()


def test_files_of_both_forms_are_appended(tmp_path: Path) -> None:
    """Texts that spell numbers become numbers after a file of numbers; whole numbers before it make all texts."""
    whole = _parquet(tmp_path / "whole.parquet", [[1, 2, 3, 4], [5, 6, 7, 8]] * 10, pa.list_(pa.int64()))
    floats = _parquet(tmp_path / "floats.parquet", _vectors(20))
    for first, then, form in ((floats, whole, FORMS[0]), (whole, floats, LIST)):
        columns = SchemaConfig.model_validate({"vectors": ["picture"]})
        table = read_tables(DataConfig(path=first, appended=(then,), columns=columns)).rows["train"]
        assert (table.num_rows, table.column("picture").type) == (40, form)
        report = inspect(DataConfig(path=first, appended=(then,), columns=columns))
        assert not report.errors


def test_a_text_after_numbers_is_told(tmp_path: Path) -> None:
    """With its row in the appended file."""
    floats = _parquet(tmp_path / "floats.parquet", _vectors(20))
    texts = _parquet(tmp_path / "texts.parquet", [["1", "2", "3", "4"], ["1", "much", "3", "4"]], pa.list_(pa.string()))
    with pytest.raises(DataError) as caught:
        read_tables(DataConfig(path=floats, appended=(texts,)))
    (found,) = caught.value.findings
    assert (found.code, found.row, found.column) == ("not_a_number", 2, "picture")
    assert "'much'" in found.message


def test_a_table_larger_than_memory_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists that lie in a mapped file encode as those in memory."""
    path = _parquet(tmp_path / "a.parquet", _vectors(500))
    inside = ingest(DataConfig(path=path), EncodingConfig(), SplitConfig(), 0, tmp_path / "inside")
    monkeypatch.setattr(mapped, "IN_MEMORY_BYTES", 1)
    outside = ingest(DataConfig(path=path), EncodingConfig(), SplitConfig(), 0, tmp_path / "outside")
    assert inside.encoder == outside.encoder
    np.testing.assert_array_equal(inside.parts.train.ids, outside.parts.train.ids)


def test_a_profile_counts_different_vectors(tmp_path: Path) -> None:
    """It shows none of their numbers, and how many are missing."""
    cells = [*_vectors(18) * 2, None, None, None, None]
    report = inspect(DataConfig(path=_parquet(tmp_path / "a.parquet", cells)))
    (profile,) = [one for one in report.profiles if one.column == "picture"]
    assert (profile.kind, profile.distinct, profile.missing, profile.commonest, profile.parts) == ("vector", 18, 0.1, (), ())


def test_appended_numbers_are_compared_with_those_before(tmp_path: Path) -> None:
    """Vectors of the same law have hardly drifted; those that are moved have."""
    schema = Schema(label="click", fields=(Field(name="picture", kind="vector", dim=4), Field(name="user", kind="categorical")))
    vectors = np.random.default_rng(5).normal(size=(400, 4))
    for shift, least, most in ((0.0, 0.0, 0.1), (3.0, 0.25, 99.0)):
        cells = [*vectors[:200].tolist(), *(vectors[200:] + shift).tolist()]
        data = DataConfig(path=_parquet(tmp_path / f"{shift}.parquet", cells))
        changes = changes_of(read_tables(data).rows["train"], 200, schema)
        assert least <= changes.fields[0].drift <= most
