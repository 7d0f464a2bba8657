"""The table of laws on measured grids."""

from __future__ import annotations

import numpy as np

from ihas.sequential.performance_law import PerformanceLaw
from pipelines.performance_law import Grid, row


def _grid(law: PerformanceLaw) -> Grid:
    layers, dims = np.array([2.0, 4.0, 8.0, 16.0]), np.array([16.0, 32.0, 64.0, 128.0])
    values = law.predict(layers[None], dims[:, None])
    return Grid.model_validate({"data": "toy", "length": 9, "figure": "HR@10", "layers": layers, "dims": dims, "values": values.tolist()})


def test_a_row_by_construction() -> None:
    """Figures of a known law: all explained, foretold without error, its optimum named and whether it lies beyond the grid."""
    cells = row(_grid(PerformanceLaw(0.1, 0.04, 0.5, 0.03, 0.2, (2, 16), (16, 128)))).split(" | ")
    assert cells[0] == "| HR@10 toy 9"
    assert (cells[1], cells[4]) == ("1.000", "0.0%")
    assert cells[-1] == "4, 32 |"
    assert row(_grid(PerformanceLaw(0.1, 0.04, 0.1, 0.03, 0.2, (2, 16), (16, 128)))).endswith("1024, 32 (beyond the grid) |")
    assert row(_grid(PerformanceLaw(0.1, -0.04, 0.5, 0.03, 0.2, (2, 16), (16, 128)))).endswith("none |")
