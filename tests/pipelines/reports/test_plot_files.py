"""Plots as files."""

from __future__ import annotations

import json
from pathlib import Path

import plotly.graph_objects as go

from ihas_pipelines.reports.all_plots import PLOTS
from ihas_pipelines.reports.plot_files import write_plots
from tests.pipelines.result_factory import run_result


def test_every_figure_is_a_file_that_plotly_reads(tmp_path: Path) -> None:
    """Each plot, the gates of each group, and the script that draws them without a network."""
    result = run_result()
    write_plots(result, tmp_path)
    found = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "plots").glob("*.json")}

    assert set(found) == {*PLOTS, *(f"gates-{group.group}" for group in result.groups)}
    assert all(go.Figure(drawn).data for drawn in found.values())
    assert "plotly.js" in (tmp_path / "plots" / "plotly.js").read_text(encoding="utf-8")[:200]
