"""A run of the kind `transformer` as one HTML file that needs no network, in the look of a run's report."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go

from ihas.folders import write_whole
from ihas_pipelines.kinds.transformer.values import TransformerResult
from ihas_pipelines.reports.captions import Caption
from ihas_pipelines.reports.report import render_page


def write_page(result: TransformerResult, path: Path) -> None:
    """Write the report of a run to `path`, whole or not at all."""
    write_whole(path, render_page("transformer.html", {"epochs": epochs(result)}, result=result, caption=caption(result)))


def epochs(result: TransformerResult) -> go.Figure:
    """Validation value of every epoch, a line for each update rule."""
    figure = go.Figure()
    for rule in dict.fromkeys(epoch.rule for epoch in result.history):
        found = [epoch for epoch in result.history if epoch.rule == rule]
        figure.add_scatter(x=[one.epoch for one in found], y=[one.valid for one in found], name=rule, mode="lines+markers")
    figure.update_xaxes(title="epoch")
    return figure.update_yaxes(title=_value_name(result))


def caption(result: TransformerResult) -> Caption:
    """Of the plot of epochs."""
    best = max(result.history, key=lambda epoch: epoch.valid)
    here = f"Epoch {best.epoch} of {len(result.history)} is the best and is served: {best.valid:.4f}."
    return Caption("Adam trains until it gets no better, then gradient descent goes on from the best epoch. Higher is better.", here)


def _value_name(result: TransformerResult) -> str:
    return "NDCG@10, validation" if result.learning.training.stop_by == "ndcg" else "minus cross-entropy, validation"
