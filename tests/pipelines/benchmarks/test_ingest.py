"""What reading a table costs."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks.ingest import INGEST, NUMBERED, POLARS, READ, tables


@pytest.mark.slow
def test_every_system_reads_the_same_file() -> None:
    """For CSV and for Parquet: a row for each system, polars against itself 1, and memory that at least the packages take."""
    found = list(tables(1, 20_000))
    assert [table.title for table in found] == ["20,000 rows x 39 fields, csv", "20,000 rows x 39 fields, parquet"]
    for table in found:
        rows = {row[0]: row[1:] for row in table.rows}
        assert set(rows) == {INGEST, READ, POLARS, NUMBERED}
        assert rows[POLARS][2:4] == (1.0, 1.0)
        assert all(isinstance(cell, float) and cell > 0.0 for cells in rows.values() for cell in cells)
        assert all(float(str(cells[-1])) > 20.0 for cells in rows.values())
