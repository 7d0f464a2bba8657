"""What every plot shares: colours, labels and the plain frame around the data."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from ihas.results.run_result import GroupResult, Interval, VariantResult

GROUP_COLOURS = (
    "#2f7ed8", "#e6862a", "#2ca58d", "#b565c9", "#c9a227", "#d9577a", "#6b8e23", "#7f8fa6",
    "#1b4f8f", "#8f4a12", "#14665a", "#6f3a80", "#7a6115", "#8f2f4a", "#3f5a10", "#46536a",
)  # fmt: skip
BETTER, WORSE, UNCLEAR, MARK = "#17907a", "#d1495b", "#8a94a3", "#2f7ed8"
AXIS = {"automargin": True, "gridcolor": "rgba(128,140,155,0.25)", "zeroline": False, "title": {"font": {"size": 12}, "standoff": 10}}
TEMPLATE = go.layout.Template(
    layout={
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#4a5563"},
        "hoverlabel": {"align": "left"},
        "xaxis": AXIS,
        "yaxis": AXIS,
    }
)
Outcome = Literal["better", "worse", "unclear"]
OUTCOME_COLOURS: dict[Outcome, str] = {"better": BETTER, "worse": WORSE, "unclear": UNCLEAR}


def group_colour(group: int) -> str:
    """Colour of a group, the same in every plot; repeats after sixteen groups."""
    return GROUP_COLOURS[group % len(GROUP_COLOURS)]


def outcome(gain: Interval | None) -> Outcome:
    """What a 95 % interval says: `better` or `worse` where it excludes zero, otherwise `unclear`."""
    if gain is None or gain.low <= 0.0 <= gain.high:
        return "unclear"
    return "better" if gain.low > 0.0 else "worse"


def outcome_colour(compared: VariantResult | GroupResult) -> str:
    """Colour of a variant, or of a group, by its gain over the base."""
    return OUTCOME_COLOURS[outcome(compared.gain)]


def interval(gain: Interval) -> str:
    """A difference with its 95 % interval, to four decimals."""
    return f"{gain.difference:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"


def label(text: str, length: int = 22) -> str:
    """Text from data as a plot may show it: at most `length` characters, markup made harmless."""
    return html.escape(text if len(text) <= length else text[: length - 1] + "…")


def frame(title: str, height: int) -> go.Figure:
    """Empty plot without background, so that it sits on a light and on a dark page alike. `height` in pixels."""
    figure = go.Figure()
    figure.update_layout(
        template=TEMPLATE,
        title=title,
        height=height,
        margin={"l": 8, "r": 16, "t": 48, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "left", "x": 0.0},
    )
    return figure


def frontier_line(costs: Sequence[float], scores: Sequence[float | None]) -> dict[str, Any]:
    """The dotted line that joins what nothing beats, as a scatter."""
    return {"x": costs, "y": scores, "mode": "lines", "line": {"color": UNCLEAR, "dash": "dot"}, "hoverinfo": "skip"}


def gain_bar(gain: Interval, row: int) -> dict[str, Any]:
    """Place and interval of a gain on a line of its own, as part of a scatter."""
    ends = {"array": [gain.high - gain.difference], "arrayminus": [gain.difference - gain.low]}
    return {"x": [gain.difference], "y": [row], "error_x": {"type": "data", **ends, "thickness": 2}}


def against_base(figure: go.Figure, names: Sequence[str], tickformat: str) -> go.Figure:
    """The axes of gains: a dashed line at the base, a named line for each row."""
    figure.add_vline(x=0.0, line={"color": UNCLEAR, "width": 1.5, "dash": "dash"}, annotation_text="base", annotation_position="top")
    figure.update_layout(showlegend=False)
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.4, -0.8])
    return figure.update_xaxes(title="difference in test AUC<br>(right is better)", tickformat=tickformat, nticks=4, tickangle=0)
