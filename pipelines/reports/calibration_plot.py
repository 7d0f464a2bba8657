"""Plot of scores against rates of clicks."""

from __future__ import annotations

import plotly.graph_objects as go

from ihas.results.run_result import RunResult
from ihas_pipelines.reports.drawing import MARK, UNCLEAR, frame


def calibration(result: RunResult) -> go.Figure:
    """Rate of clicks of test rows of about the same score, against that score; on the dashed line the two are equal."""
    clicks, numbers = ("rates of clicks", "rate of clicks", "rows are clicks"), ("mean labels", "mean label", "rows, on average")
    rates, rate, rows = clicks if result.label_range is None else numbers
    figure = frame(f"Scores against {rates}", 420)
    bins = () if result.calibration is None else result.calibration.reliability
    end = max([value for one in bins for value in (one.score, one.click_rate)], default=1.0) * 1.05
    figure.add_scatter(x=[0.0, end], y=[0.0, end], mode="lines", line={"color": UNCLEAR, "dash": "dash"}, hoverinfo="skip")
    figure.add_scatter(
        x=[one.score for one in bins],
        y=[one.click_rate for one in bins],
        customdata=[one.rows for one in bins],
        mode="lines+markers",
        line={"color": MARK, "width": 2},
        marker={"size": 10},
        hovertemplate=f"score %{{x:.3f}}: %{{y:.3f}} of %{{customdata:,}} {rows}<extra></extra>",
    )
    figure.update_xaxes(title="mean score", tickformat=".2f", rangemode="tozero", ticks="outside", ticklen=9, tickcolor="rgba(0,0,0,0)")
    figure.update_layout(showlegend=False)
    return figure.update_yaxes(title=rate, tickformat=".2f", rangemode="tozero")
