"""Many rows through all stages."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks.large import STAGES, tables


@pytest.mark.slow
def test_both_sizes_go_through_every_stage() -> None:
    """A table for a tenth of the rows and one for all, each with every stage's cost and memory, then their ratios and that of the whole."""
    small, large, ratios = tables(1, 20_000)
    for table, title in ((small, "2,000 rows x 39 fields"), (large, "20,000 rows x 39 fields")):
        assert table.title == title
        assert tuple(row[0] for row in table.rows) == STAGES
        assert all(float(str(cell)) > 0.0 for row in table.rows for cell in row[1:])
    costs = [{row[0]: float(str(row[1])) for row in table.rows} for table in (small, large)]
    found = {row[0]: float(str(row[1])) for row in ratios.rows}
    assert found["all"] == pytest.approx(sum(costs[1].values()) / sum(costs[0].values()))
    assert found["ingest"] == pytest.approx(costs[1]["ingest"] / costs[0]["ingest"])
