"""Synthetic tables of clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ihas.config.data import DataConfig
from ihas.data.ingest import inspect
from ihas.data.readers import read_table
from ihas_pipelines.benchmarks import rows
from ihas_pipelines.benchmarks.rows import RowShape, blocks, write_rows, zipf_draws

SHAPE = RowShape(numbers=2, texts=3, vocabulary=50)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_has_the_stated_shape(suffix: str, tmp_path: Path) -> None:
    """As many rows and fields as asked, of the kinds that the columns say, without an error; both formats hold the same cells."""
    path = tmp_path / f"x.{suffix}"
    write_rows(path, 300, SHAPE)
    report = inspect(DataConfig(path=path, columns=SHAPE.columns))
    assert (report.rows, report.errors) == (300, ())
    assert [field.kind for field in report.columns.fields] == ["numeric"] * 2 + ["categorical"] * 3
    (whole,) = blocks(300, SHAPE)
    assert [list(row.values()) for row in read_table(path).to_pylist()] == [
        [str(cell) for cell in row.values()] for row in whole.to_pylist()
    ]


def test_blocks_are_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks end to end have the stated rows, and a column is not the one before it."""
    monkeypatch.setattr(rows, "BLOCK_ROWS", 40)
    found = list(blocks(100, SHAPE))
    assert [block.num_rows for block in found] == [40, 40, 20]
    table = pa.concat_tables(found).unify_dictionaries()
    first, second = (np.array([text[2:] for text in table.column(f"text_{field}").to_pylist()]) for field in (0, 1))
    assert (first != second).any()


def test_texts_follow_zipfs_law() -> None:
    """The commonest of ten values is twice as frequent as the second, to the power of the law."""
    counts = np.bincount(zipf_draws(np.random.default_rng(0), 10, 200_000), minlength=10)
    assert counts[0] / counts[1] == pytest.approx(2.0**rows.ZIPF, rel=0.05)


def test_clicks_can_be_told() -> None:
    """Labels depend on the first texts: rows that share them click alike, others do not."""
    (table,) = blocks(20_000, RowShape(numbers=0, texts=1, vocabulary=20))
    labels, texts = np.asarray(table.column("label")), np.asarray(table.column("text_0").chunk(0).indices)
    rates = np.array([labels[texts == value].mean() for value in range(20) if (texts == value).sum() > 300])
    assert np.ptp(rates) > 0.2
