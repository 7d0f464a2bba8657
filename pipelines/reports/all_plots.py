"""Every plot of a run, by name; reports and pages draw the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import plotly.graph_objects as go

from ihas.errors import RequestError
from ihas.results.run_result import RunResult
from ihas_pipelines.reports import calibration_plot, variant_plots
from ihas_pipelines.reports import group_plots as group_plots

PLOTS: Mapping[str, Callable[[RunResult], go.Figure]] = MappingProxyType(
    {
        "auc": variant_plots.auc,
        "pareto": variant_plots.pareto,
        "gates": group_plots.gates,
        "kept": group_plots.kept,
        "groups": group_plots.groups,
        "gains": group_plots.gains,
        "counts": variant_plots.counts,
        "history": variant_plots.history,
        "calibration": calibration_plot.calibration,
    }
)


def draw(name: str, result: RunResult) -> go.Figure:
    """Plot of a run by its name; RequestError for a name that is not in `PLOTS`."""
    if name not in PLOTS:
        raise RequestError(f"A plot must be one of {', '.join(PLOTS)}, but got {name!r}. Ask for one of these.", "/name")
    return PLOTS[name](result)
