"""A run of the kind `overrec` as one HTML file that needs no network, in the look of a run's report."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go

from ihas.folders import write_whole
from ihas_pipelines.kinds.overrec.values import OverRecResult
from ihas_pipelines.reports.captions import Caption
from ihas_pipelines.reports.report import render_page


def write_page(result: OverRecResult, path: Path) -> None:
    """Write the report of a run to `path`, whole or not at all."""
    write_whole(path, render(result))


def render(result: OverRecResult) -> str:
    """The report of a run as one HTML document."""
    return render_page("overrec.html", {"trials": trials(result)}, result=result, caption=caption(result))


def trials(result: OverRecResult) -> go.Figure:
    """Validation NDCG@10 against the number of neighbours, a line for each kernel tried."""
    figure = go.Figure()
    kernels = dict.fromkeys((trial.sigma_w, trial.normalize) for trial in result.trials)
    for sigma_w, normalize in kernels:
        found = [trial for trial in result.trials if (trial.sigma_w, trial.normalize) == (sigma_w, normalize)]
        name = f"sigma_w = {sigma_w}{', normalised' if normalize else ''}"
        across, up = [trial.num_neighbours for trial in found], [trial.valid.ndcg[10] for trial in found]
        figure.add_scatter(x=across, y=up, name=name, mode="lines+markers")
    figure.update_xaxes(title="neighbours that vote", type="log")
    figure.update_yaxes(title="NDCG@10, validation")
    return figure


def caption(result: OverRecResult) -> Caption:
    """Of the plot of trials."""
    best = max(result.trials, key=lambda trial: trial.valid.ndcg[10])
    here = f"The best of {len(result.trials)} settings is {best.num_neighbours} neighbours with sigma_w = {best.sigma_w}"
    kernel = "normalised" if best.normalize else "not normalised"
    read = "Each line is one kernel. sigma_w is how long a match is remembered: 0 sees the last item alone. Higher is better."
    return Caption(read, f"{here}, {kernel}: NDCG@10 {best.valid.ndcg[10]:.4f}.")
