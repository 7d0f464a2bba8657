"""What a whole job costs beside its base."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks import job
from ihas_pipelines.benchmarks.job import STAGES, tables

pytestmark = pytest.mark.tf


@pytest.mark.slow
def test_a_job_is_its_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last cell is the sum of the stages by the base's; without members the teacher costs nothing."""
    monkeypatch.setattr(job, "ROWS", 3_000)
    monkeypatch.setattr(job, "HIDDEN", (4,))
    (table,) = tables(1)
    assert table.columns[1:-1] == tuple(f"{stage} s" for stage in STAGES)
    for row in table.rows:
        seconds = row[1:-1]
        assert all(isinstance(cell, float) for cell in seconds)
        assert row[-1] == pytest.approx(sum(seconds) / seconds[0])  # type: ignore[arg-type,operator]  # cells are floats, as asserted
    alone, taught = table.rows
    assert alone[2] == 0.0 < taught[2]  # type: ignore[operator]
