"""Plots of the groups: their gates, the dimensions they keep, and where they lie in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ihas.results.run_result import GroupResult, RunResult
from ihas_pipelines.reports.drawing import against_base, frame, gain_bar, group_colour, interval, label, outcome_colour

ROW = 20  # pixels
GATE_SCALE = [[0.0, "#16294d"], [0.5, "#6f7480"], [1.0, "#fbdc46"]]


def fields_by_kept(result: RunResult) -> list[int]:
    """Field numbers by dimensions kept over all groups, most first; ties keep the layout's order."""
    kept = np.array([group.kept_dims for group in result.groups]).sum(axis=0)
    return [int(field) for field in np.argsort(-kept, kind="stable")]


def gate_range(result: RunResult) -> tuple[float, float]:
    """Range of all mean gates, out to whole tenths: the ends of the colour scale."""
    values = np.array([group.mean_gates for group in result.groups])
    return float(np.floor(values.min() * 10) / 10), max(
        float(np.ceil(values.max() * 10) / 10), float(np.floor(values.min() * 10) / 10) + 0.1
    )


def gates(result: RunResult, only: int | None = None) -> go.Figure:
    """Mean gate of each dimension of each field, with a dot where the mask keeps it.

    One panel per group with a colour bar; with `only`, that group's panel alone, for a page that explains the colours itself.
    """
    shown = [group for group in result.groups if only in (None, group.group)]
    order = fields_by_kept(result)
    titles = [f"Group {group.group}" for group in shown] if only is None else None
    height = len(shown) * (len(order) * ROW + 60) + 60
    panels = make_subplots(len(shown), 1, subplot_titles=titles, figure=frame("Mean gate of every embedding dimension", height))
    for row, group in enumerate(shown, start=1):
        panels.add_trace(_gate_panel(group, result, order), row=row, col=1)
    panels.update_yaxes(tickvals=list(range(len(order))), ticktext=[label(result.fields[f]) for f in order], autorange="reversed")
    panels.update_yaxes(showgrid=False)
    panels.update_xaxes(showgrid=False, nticks=8)
    panels.update_xaxes(title="embedding dimension", row=len(shown), col=1)
    low, high = gate_range(result)
    bar = {"title": "mean<br>gate", "thickness": 12, "lenmode": "pixels", "len": 200, "y": 1.0, "yanchor": "top"}
    return panels.update_layout(coloraxis={"colorscale": GATE_SCALE, "cmin": low, "cmax": high, "colorbar": bar, "showscale": only is None})


def _gate_panel(group: GroupResult, result: RunResult, order: Sequence[int]) -> go.Heatmap:
    mask = np.array(group.mask, dtype=bool)[order]
    state = np.where(mask, "kept", "dropped")
    names = np.array([label(result.fields[field], 60) for field in order])[:, None].repeat(result.dim, axis=1)
    return go.Heatmap(
        z=np.array(group.mean_gates)[order].tolist(),
        text=np.where(mask, "●", "").tolist(),
        texttemplate="%{text}",
        textfont={"size": 8},
        customdata=np.stack([names, state], axis=-1).tolist(),
        hovertemplate="%{customdata[0]}, dimension %{x}<br>open for %{z:.0%} of the group's rows: %{customdata[1]}<extra></extra>",
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
    )


def kept(result: RunResult) -> go.Figure:
    """Kept dimensions per field, a bar per group; fields by dimensions kept, most first."""
    order = fields_by_kept(result)
    figure = frame("Kept dimensions per field", len(order) * (8 * len(result.groups) + 10) + 120)
    for group in result.groups:
        figure.add_bar(
            y=list(range(len(order))),
            x=[group.kept_dims[field] for field in order],
            customdata=[label(result.fields[field], 60) for field in order],
            hovertemplate=f"%{{customdata}}, group {group.group}: %{{x}} of {result.dim} dimensions<extra></extra>",
            name=f"Group {group.group}",
            marker_color=group_colour(group.group),
            orientation="h",
        )
    figure.update_yaxes(tickvals=list(range(len(order))), ticktext=[label(result.fields[f]) for f in order], autorange="reversed")
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(title=f"dimensions kept of {result.dim}", range=[0, result.dim])
    return figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.0)


def groups(result: RunResult) -> go.Figure:
    """Training rows in the plane of the two main directions of what they were grouped on, coloured by group."""
    figure = frame("Training rows in the plane", 460)
    for group in result.groups:
        inside = [point for point in result.points if point.group == group.group]
        figure.add_scatter(
            x=[point.x for point in inside],
            y=[point.y for point in inside],
            mode="markers",
            name=f"Group {group.group} ({group.share:.0%})",
            marker={"size": 5, "opacity": 0.55, "color": group_colour(group.group)},
            hoverinfo="name",
        )
    figure.update_layout(legend_itemsizing="constant")
    figure.update_xaxes(title="first principal component")
    figure.update_yaxes(title="second principal component")
    return figure


def gains(result: RunResult) -> go.Figure:
    """Test AUC of the chosen variant minus the base's within each group, with its 95 % interval."""
    figure = frame(f"Test AUC of {label(result.chosen)} against the base, group by group", 46 * len(result.groups) + 120)
    for row, group in enumerate(result.groups):
        if group.gain is not None:
            figure.add_scatter(
                **gain_bar(group.gain, row),
                mode="markers",
                marker={"size": 13, "color": outcome_colour(group)},
                text=f"group {group.group}: {interval(group.gain)}",
                hoverinfo="text",
            )
    names = [f"Group {group.group} ({group.test.rows:,} rows)" for group in result.groups]
    return against_base(figure, names, "+.3f")
