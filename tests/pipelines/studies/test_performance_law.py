"""The table of laws on measured grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.sequential.scaling.joint_law import JointLaw
from ihas.sequential.scaling.performance_law import PerformanceLaw
from ihas_pipelines.commands.app import run
from ihas_pipelines.studies.performance_law import Grid, Grids, joint_row, row

pytestmark = pytest.mark.full

TRUE = PerformanceLaw(0.1, 0.04, 0.5, 0.03, 0.2, (2, 16), (16, 128))


def _grid(law: PerformanceLaw, length: int = 9, added: float = 0.0) -> Grid:
    layers, dims = np.array([2.0, 4.0, 8.0, 16.0]), np.array([16.0, 32.0, 64.0, 128.0])
    values = (law.predict(layers[None], dims[:, None]) + added).tolist()
    return Grid.model_validate({"data": "toy", "length": length, "figure": "HR@10", "layers": layers, "dims": dims, "values": values})


def _joint_grids() -> list[Grid]:
    term = [float(JointLaw(TRUE, 0.3).predict(np.array(4.0), np.array(32.0), np.array(size))) for size in (0.5, 1.0, 2.0)]
    own = float(TRUE.predict(np.array(4.0), np.array(32.0)))
    return [_grid(TRUE, length, one - own) for length, one in zip((25, 50, 100), term, strict=True)]


@pytest.mark.slow
def test_a_row_by_construction() -> None:
    """Metrics of a known law: all explained, predicted without error, its optimum named and whether it lies beyond the grid."""
    cells = row(_grid(TRUE)).split(" | ")
    assert cells[0] == "| HR@10 toy 9"
    assert (cells[1], cells[4]) == ("1.000", "0.0%")
    assert cells[-1] == "4, 32 |"
    assert row(_grid(PerformanceLaw(0.1, 0.04, 0.1, 0.03, 0.2, (2, 16), (16, 128)))).endswith("1024, 32 (beyond the grid) |")
    assert row(_grid(PerformanceLaw(0.1, -0.04, 0.5, 0.03, 0.2, (2, 16), (16, 128)))).endswith("none |")


def test_a_budget_names_the_best_size_that_fits() -> None:
    """The optimum itself where 12 * 4 * 32^2 = 49,152 parameters are allowed; with fewer, a size that uses them all."""
    assert row(_grid(TRUE), 49_153.0).endswith("| 4, 32 | 4, 32 |")
    layers, dim = map(float, row(_grid(TRUE), 24_000.0).rstrip(" |").rpartition("| ")[2].split(", "))
    assert 12.0 * layers * dim**2 == pytest.approx(24_000.0, rel=0.01)


@pytest.mark.slow
def test_a_joint_row_by_construction() -> None:
    """Three lengths of a known joint law: all explained, its s, large sizes predicted; without D it is not; too few to leave one out."""
    cells = joint_row(_joint_grids()).strip("| ").split(" | ")
    assert (cells[0], cells[1], cells[2], cells[4]) == ("HR@10 toy 25, 50, 100", "1.000", "1.000", "0.300")
    assert float(cells[3]) < 1.0
    assert cells[5:8] == ["0.0%", "0.0%", "needs four lengths"]
    assert float(cells[8].rstrip("%")) > 5.0


def test_the_command_prints_both_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row a grid, and of a metric that is known at one length alone why there is no joint law."""
    (tmp_path / "grids.json").write_text(Grids(source="toy", grids=(_grid(TRUE),)).model_dump_json())
    assert run(["study", "performance-law", str(tmp_path / "grids.json"), "--parameters", "1e6"]) == 0
    out = capsys.readouterr().out
    assert "N, d within 1,000,000 parameters" in out
    assert "| HR@10 toy 9 | D must take three different positive values" in out.splitlines()[-1]


@pytest.mark.parametrize(("text", "law"), [("", "does not hold valid grids"), (None, "readable file")])
def test_a_file_that_is_none_is_a_message(tmp_path: Path, text: str | None, law: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, and one without grids, end with 2 and the reason."""
    if text is not None:
        (tmp_path / "grids.json").write_text(text)
    assert run(["study", "performance-law", str(tmp_path / "grids.json")]) == 2
    assert law in capsys.readouterr().err
