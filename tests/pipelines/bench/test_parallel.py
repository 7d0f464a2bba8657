"""Trainings one after another and beside each other."""

from __future__ import annotations

import pytest

from ihas import parallel_training
from pipelines.bench import parallel


def test_each_network_has_a_table_of_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each way, the first of which is what the other is measured by, and both ways did train."""
    monkeypatch.setattr(parallel, "ROWS", {(4,): 400, (2,): 400})
    monkeypatch.setattr(parallel_training, "num_threads", lambda: 2)

    first, second = parallel.tables(1)

    assert "MLP 4, 400 rows" in first.title
    assert "MLP 2, 400 rows" in second.title
    for table in (first, second):
        assert [row[0] for row in table.rows] == [parallel.ALONE, parallel.BESIDE]
        assert table.rows[0][-1] == 1.0
        assert all(isinstance(cell, float) and cell > 0.0 for row in table.rows for cell in row[1:])
