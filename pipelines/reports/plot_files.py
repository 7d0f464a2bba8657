"""Every plot of a run as a file of its own, for whoever shows them elsewhere."""

from __future__ import annotations

from pathlib import Path

from plotly.offline import get_plotlyjs

from ihas.folders import write_whole
from ihas.results.run_result import RunResult
from ihas_pipelines.reports.all_plots import PLOTS
from ihas_pipelines.reports.group_plots import gates

FOLDER, SCRIPT = "plots", "plotly.js"


def write_plots(result: RunResult, folder: Path) -> None:
    """Write `plots/<figure>.json` (plotly's JSON) of each plot, `gates-<group>.json` of each group, and the script that draws them."""
    target = folder / FOLDER
    target.mkdir(exist_ok=True)
    drawn = {name: draw(result) for name, draw in PLOTS.items()}
    drawn |= {f"gates-{group.group}": gates(result, group.group) for group in result.groups}
    for name, figure in drawn.items():
        write_whole(target / f"{name}.json", str(figure.to_json()))
    write_whole(target / SCRIPT, get_plotlyjs())
