"""Every figure of a run, by name; reports and pages draw the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import plotly.graph_objects as go

from ihas.errors import RequestError
from ihas.results import RunResult
from pipelines import group_figures, variant_figures

FIGURES: Mapping[str, Callable[[RunResult], go.Figure]] = MappingProxyType(
    {
        "auc": variant_figures.auc,
        "pareto": variant_figures.pareto,
        "gates": group_figures.gates,
        "kept": group_figures.kept,
        "groups": group_figures.groups,
        "gains": group_figures.gains,
        "counts": variant_figures.counts,
        "history": variant_figures.history,
    }
)


def draw(name: str, result: RunResult) -> go.Figure:
    """Figure of a run by its name; RequestError for a name that is not in `FIGURES`."""
    if name not in FIGURES:
        raise RequestError(f"A figure must be one of {', '.join(FIGURES)}, but got {name!r}. Ask for one of these.", "/name")
    return FIGURES[name](result)
