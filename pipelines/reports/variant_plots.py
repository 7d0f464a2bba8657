"""Plots of the variants and of their training: gain, cost, epochs, numbers of groups."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ihas.results.run_result import RunResult, VariantResult
from ihas_pipelines.reports.drawing import (
    MARK,
    UNCLEAR,
    against_base,
    frame,
    frontier_line,
    gain_bar,
    group_colour,
    interval,
    label,
    outcome_colour,
)
from ihas_pipelines.reports.pareto import pareto_frontier

# name, line, mark and filling of what K-means saw
TRIED = MappingProxyType(
    {
        "masked": ("K-means on e*z", "solid", "circle", ""),
        "mask": ("K-means on z", "dot", "square", "/"),
        "openness": ("K-means on mean gates", "dash", "diamond", "."),
        "values": ("K-means on a field's values", "dashdot", "triangle-up", "x"),
    }
)


def compared(result: RunResult) -> list[VariantResult]:
    """Variants with a gain over the base, best first."""
    return sorted((variant for variant in result.variants if variant.gain), key=lambda v: -v.gain.difference if v.gain else 0.0)


def _symbol(variant: VariantResult, chosen: str) -> str:
    if variant.name == chosen:
        return "star"
    return "circle" if variant.role == "candidate" else "circle-open"


def _beside(variant: VariantResult, others: list[VariantResult]) -> str:
    """Where a mark's name stands: controls towards the middle, candidates on the side away from their nearest candidate."""
    costs = [other.cost.parameters_per_path for other in others]
    if variant.role == "control":
        return "middle right" if variant.cost.parameters_per_path <= (min(costs) + max(costs)) / 2 else "middle left"
    near = [other for other in others if other.role == "candidate" and other is not variant]
    nearest = min(near, key=lambda other: abs(other.cost.parameters_per_path - variant.cost.parameters_per_path), default=variant)
    return "bottom center" if (nearest.test.auc or 0.0) > (variant.test.auc or 0.0) else "top center"


def auc(result: RunResult) -> go.Figure:
    """Test AUC of every variant minus the base's, with its 95 % interval."""
    variants = compared(result)
    figure = frame("Test AUC against the base", 46 * len(variants) + 120)
    for row, variant in enumerate(variants):
        gain = variant.gain
        if gain is None:
            continue
        figure.add_scatter(
            **gain_bar(gain, row),
            mode="markers+text",
            text=f"{gain.difference:+.4f}",
            textposition="top center",
            cliponaxis=False,
            marker={"size": 13, "color": outcome_colour(variant), "symbol": _symbol(variant, result.chosen), "line": {"width": 2}},
            hovertemplate=f"{label(variant.name, 60)}: {interval(gain)}<extra></extra>",
        )
    names = [label(v.name) + (" ★" if v.name == result.chosen else "") for v in variants]
    return against_base(figure, names, "+.3f")


def pareto(result: RunResult) -> go.Figure:
    """Test AUC against the parameters of the path that serves a row; a line joins the candidates that nothing beats."""
    figure = frame("Test AUC against parameters per model", 440)
    front = pareto_frontier(result)
    figure.add_scatter(**frontier_line([variant.cost.parameters_per_path for variant in front], [variant.test.auc for variant in front]))
    scored = [variant for variant in result.variants if variant.test.auc is not None]
    first = [result.chosen, *(variant.name for variant in front)]
    for variant in sorted(
        scored, key=lambda one: first.index(one.name) if one.name in first else len(first)
    ):  # where names meet, these stay
        figure.add_scatter(
            x=[variant.cost.parameters_per_path],
            y=[variant.test.auc],
            mode="markers+text",
            text=label(variant.name),
            textposition=_beside(variant, scored),
            cliponaxis=False,
            marker={"size": 13, "color": outcome_colour(variant), "symbol": _symbol(variant, result.chosen), "line": {"width": 2}},
            hovertemplate=f"{label(variant.name, 60)}: AUC %{{y:.4f}}, %{{x:,.0f}} parameters<extra></extra>",
        )
    costs = [variant.cost.parameters_per_path for variant in scored] or [1.0]
    room = 0.2 * (max(costs) - min(costs)) or 0.1 * max(costs)
    figure.update_xaxes(title="parameters per model<br>(left is cheaper)", tickformat="~s", nticks=6)
    figure.update_xaxes(range=[min(costs) - room, max(costs) + room])
    figure.update_layout(showlegend=False)
    return figure.update_yaxes(title="test AUC", tickformat=".3f")


def history(result: RunResult) -> go.Figure:
    """Validation AUC after every epoch of every training."""
    figure = frame("Validation AUC by epoch", 420)
    models = list(dict.fromkeys(epoch.model for epoch in result.history))
    tried = [model for model in models if "=" in model]
    for number, model in enumerate(models):
        epochs = [epoch for epoch in result.history if epoch.model == model]
        figure.add_scatter(
            **_line(model, number, tried),
            x=[epoch.epoch for epoch in epochs],
            y=[epoch.auc for epoch in epochs],
            customdata=[epoch.loss for epoch in epochs],
            mode="lines+markers",
            hovertemplate=f"{label(model, 60)}, epoch %{{x}}: AUC %{{y:.4f}}, loss %{{customdata:.4f}}<extra></extra>",
        )
    figure.update_xaxes(title="epoch", dtick=-(-max((epoch.epoch for epoch in result.history), default=1) // 6))
    return figure.update_yaxes(title="validation AUC", tickformat=".3f")


def _line(model: str, number: int, tried: list[str]) -> dict[str, Any]:
    """Name and line of a training; trainings under settings that were tried are grey and share one name."""
    if model not in tried:
        return {"name": label(model), "line": {"color": group_colour(number), "width": 2}}
    shared = f"{model.partition('/')[0]}, settings tried"
    first = next(one for one in tried if one.partition("/")[0] == model.partition("/")[0])
    return {"name": label(shared, 40), "legendgroup": shared, "showlegend": model == first, "line": {"color": UNCLEAR, "width": 1}}


def counts(result: RunResult) -> go.Figure:
    """Validation log-loss and smallest group's share for every number of groups that was evaluated."""
    panels = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.1, figure=frame("Numbers of groups tried", 420))
    for on in TRIED:
        for router in ("centroids", "additive"):
            _add_candidates(panels, result, on, router)
    least = result.learning.cluster.min_group_fraction
    panels.add_hline(y=least, line={"color": UNCLEAR, "dash": "dash"}, row=2, col=1)
    panels.update_xaxes(type="category")
    panels.update_xaxes(title="number of groups", row=2, col=1)
    panels.update_yaxes(title="log-loss", nticks=5, row=1, col=1)
    panels.update_yaxes(title=f"smallest group<br>(dashed: {least:.0%})", tickformat=".0%", rangemode="tozero", row=2, col=1)
    return panels.update_layout(barmode="group")


def _add_candidates(panels: go.Figure, result: RunResult, on: str, router: str) -> None:
    candidates = [count for count in result.group_counts if (count.on, count.router) == (on, router)]
    if not candidates:
        return
    name, dash, symbol, shape = TRIED[on]
    kept = [(count.num_groups, on, router) == (len(result.groups), result.grouped_on, result.grouped_by) for count in candidates]
    colours = [MARK if mine else UNCLEAR for mine in kept]
    numbers = [str(count.num_groups) for count in candidates]
    panels.add_scatter(
        x=numbers,
        y=[count.log_loss for count in candidates],
        name=name if router == "centroids" else f"{name}, by sums",
        mode="lines+markers",
        line={"color": UNCLEAR, "dash": dash},
        marker={"size": 12, "color": colours, "symbol": symbol},
        hovertemplate="%{x} groups: log-loss %{y:.5f}<extra></extra>",
        row=1,
        col=1,
    )
    shares = [count.smallest_share for count in candidates]
    panels.add_bar(
        x=numbers,
        y=shares,
        marker={"color": colours, "pattern": {"shape": shape}},
        hovertemplate="%{y:.1%}<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
