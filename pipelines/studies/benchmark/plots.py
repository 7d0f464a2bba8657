"""Plots of a benchmark: what ranking costs, and what is gained over the base."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from ihas_pipelines.reports.drawing import (
    GROUP_COLOURS,
    OUTCOME_COLOURS,
    UNCLEAR,
    against_base,
    frame,
    frontier_line,
    gain_bar,
    label,
    outcome,
)
from ihas_pipelines.studies.benchmark.labels import text_places
from ihas_pipelines.studies.benchmark.table import BenchmarkRow, Kind, Section, pareto_frontier

ROW = 26  # pixels
PARETO_HEIGHT = 620
LETTERS = 34
SYMBOLS: dict[Kind, str] = {"candidate": "circle", "control": "circle-open", "chosen": "star", "peer": "diamond"}
VARIANT_COLOURS, BASELINE_COLOUR = GROUP_COLOURS[:3] + GROUP_COLOURS[4:5], GROUP_COLOURS[3]


def colours(section: Section) -> list[str]:
    """A colour for each row: the base is grey, baseline methods share one, and each variant of the plan has its own."""
    variants = list(dict.fromkeys(row.method for row in section.rows if row.kind != "peer"))
    return [
        BASELINE_COLOUR if row.kind == "peer" else UNCLEAR if row.name == "base" else VARIANT_COLOURS[variants.index(row.method) % 4]
        for row in section.rows
    ]


def pareto(section: Section) -> go.Figure:
    """Mean test AUC against parameters per model, logarithmic; bars are the gain's paired interval, a line joins what nothing beats."""
    figure, front = frame("Test AUC against parameters per model", PARETO_HEIGHT), pareto_frontier(section.rows)
    figure.add_scatter(**frontier_line([row.parameters_per_path for row in front], [row.auc for row in front]))
    places = text_places([(math.log10(row.parameters_per_path), row.auc, label(row.name, LETTERS)) for row in section.rows])
    for row, place, colour in zip(section.rows, places, colours(section), strict=True):
        figure.add_scatter(**_mark(row, place, colour))
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="parameters per model<br>(left is cheaper)", type="log", tickformat="~s")
    figure.update_xaxes(range=_with_room([math.log10(row.parameters_per_path) for row in section.rows]))
    return figure.update_yaxes(title="mean test AUC", tickformat=".4f", range=_with_room([row.auc for row in section.rows]))


def _mark(row: BenchmarkRow, place: str, colour: str) -> dict[str, object]:
    gain = row.gain
    bars = {"array": [gain.high - gain.difference], "arrayminus": [gain.difference - gain.low]} if gain else {"array": [0.0]}
    return {
        "x": [row.parameters_per_path],
        "y": [row.auc],
        "error_y": {"type": "data", "thickness": 1, "width": 3, **bars},
        "mode": "markers+text",
        "text": label(row.name, LETTERS),
        "textposition": place,
        "textfont": {"size": 10},
        "cliponaxis": False,
        "marker": {"size": 11, "color": colour, "symbol": SYMBOLS[row.kind], "line": {"width": 1}},
        "hovertemplate": f"{label(row.name, 60)}: AUC %{{y:.5f}}, %{{x:,.0f}} parameters<extra></extra>",
    }


def _with_room(values: Sequence[float]) -> list[float]:
    """From the least to the most, and a tenth of the axis at each end."""
    room = 0.125 * (max(values) - min(values)) or 0.1
    return [min(values) - room, max(values) + room]


def compared(section: Section) -> list[BenchmarkRow]:
    """Rows with an interval, best first."""
    return sorted((row for row in section.rows if row.gain), key=lambda row: -row.gain.difference if row.gain else 0.0)


def gains(section: Section) -> go.Figure:
    """Paired difference of test AUC to the base, with its 95 % interval over the seeds, a line for each method."""
    rows = compared(section)
    figure = frame("Test AUC against the base", ROW * len(rows) + 110)
    for number, row in enumerate(rows):
        gain = row.gain
        if gain is None:
            continue
        figure.add_scatter(
            **gain_bar(gain, number),
            mode="markers",
            marker={"size": 10, "color": OUTCOME_COLOURS[outcome(gain)], "symbol": SYMBOLS[row.kind], "line": {"width": 1}},
            hovertemplate=f"{label(row.name, 60)}: {gain.difference:+.5f} [{gain.low:+.5f}, {gain.high:+.5f}]<extra></extra>",
        )
    return against_base(figure, [label(row.name, LETTERS) for row in rows], "+.4f")
