"""Trainings one after another and beside each other."""

from __future__ import annotations

import pytest

from ihas.training import parallel as parallel_training
from ihas_pipelines.benchmarks import parallel

pytestmark = pytest.mark.tf


@pytest.mark.slow
def test_both_ways_train_the_same_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each way, measured by the first; each measurement trains the four models."""
    calls, train = list[str](), parallel.train_plain
    monkeypatch.setattr(
        parallel, "train_plain", lambda parts, config, name, listen: (calls.append(name), train(parts, config, name, listen))[1]
    )
    monkeypatch.setattr(parallel, "ROWS", {(4,): 400})
    monkeypatch.setattr(parallel, "EPOCHS", 1)
    monkeypatch.setattr(parallel_training, "num_threads", lambda: 2)

    (table,) = parallel.tables(1)

    assert "MLP 4, 400 rows" in table.title
    assert [row[0] for row in table.rows] == [parallel.ALONE, parallel.BESIDE]
    assert table.rows[0][3] == 1.0
    assert all(isinstance(cell, float | int) and cell > 0 for row in table.rows for cell in row[1:])
    assert sorted(calls) == sorted(["0"] + 2 * ["0", "1", "2", "3"])  # once before, to warm up
