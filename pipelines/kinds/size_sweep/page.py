"""A size sweep as Markdown and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from ihas.errors import ConfigError
from ihas.seeding import generator
from ihas.sequential.scaling.advised import Measured
from ihas.sequential.scaling.scaling_law import fit_scaling_law
from ihas_pipelines.kinds.size_sweep.laws import joint_prediction, measured, predict_largest
from ihas_pipelines.kinds.size_sweep.sweep import SizeSweep, TrainedSize
from ihas_pipelines.kinds.size_sweep.values import SizeSweepResult
from ihas_pipelines.reports.drawing import MARK, UNCLEAR, frame

HEADING = "| layers x dim | N | test loss, nats | HR@10 | NDCG@10 | epochs | seconds |\n|---|---|---|---|---|---|---|"


def markdown(sweep: SizeSweep) -> str:
    """A row for each size on all users, one for each size's tasks, then the prediction of the largest by the smaller ones."""
    rows, sizes = [], measured(sweep.rungs)
    for one in sizes:
        own = [run for run in sweep.rungs if (run.num_layers, run.dim, run.fraction) == (one.num_layers, one.dim, 1.0)]
        means = [np.mean(values) for values in zip(*((r.figures.hit_rate[10], r.figures.ndcg[10], r.epochs) for r in own), strict=True)]
        deviation = f" ± {np.std(one.losses, ddof=1):.4f}" if len(one.losses) > 1 else ""
        rows.append(
            f"| {one.num_layers} x {one.dim} | {one.parameters:,} | {np.mean(one.losses):.4f}{deviation} "
            f"| {means[0]:.4f} | {means[1]:.4f} | {means[2]:.1f} | {one.seconds:.0f} |"
        )
    joint = ["", joint_sentence(sweep.rungs)] if any(run.fraction < 1.0 for run in sweep.rungs) else []
    return "\n".join([HEADING, *rows, "", *task_rows(sweep.rungs), sentence(sizes), *joint, ""])


def task_rows(trained: Sequence[TrainedSize]) -> list[str]:
    """NDCG@10, relative losses and coverage of each size, means over seeds, as a table; empty without tasks."""
    of_size: dict[tuple[int, int, int], list[dict[str, float]]] = {}
    for one in sorted(trained, key=lambda one: one.parameters):
        if one.tasks is not None and one.fraction == 1.0:
            of_size.setdefault((one.parameters, one.num_layers, one.dim), []).append(one.tasks.row())
    if not of_size:
        return []
    names = list(next(iter(of_size.values()))[0])
    rows = [
        f"| {layers} x {dim} | {' | '.join(f'{np.mean([one[name] for one in found]):.4f}' for name in names)} |"
        for (_, layers, dim), found in of_size.items()
    ]
    return [f"| layers x dim | {' | '.join(names)} |", "|" + "---|" * (len(names) + 1), *rows, ""]


def joint_sentence(trained: Sequence[TrainedSize]) -> str:
    """Prediction of the largest size on all users by smaller sizes and fewer users, or the reason why there is none."""
    try:
        found = joint_prediction(trained)
    except ConfigError as error:
        return f"Size and data together: {error}"
    law = found.law
    return (
        f"Size and data together, without the largest size on all users: E = {law.limit:.3f}, a = {law.size_exponent:.3f}, "
        f"b = {law.data_exponent:.3f}, N0 = {law.size_scale:.3g}, D0 = {law.data_scale:.3g}. Predicted: {found.predicted:.4f}; "
        f"measured: {found.measured:.4f}, off by {abs(found.predicted - found.measured):.4f} nats.{_also(law.caution)}"
    )


def sentence(sizes: Sequence[Measured]) -> str:
    """Prediction of the largest size by the smaller ones, or the reason why there is none."""
    try:
        found = predict_largest(sizes, generator(0, "forecast"))
    except ConfigError as error:
        return str(error)
    alpha, predicted = found.exponent, found.predicted
    return (
        f"Fitted to all sizes but the largest: alpha = {alpha.difference:.3f} ({alpha.low:.3f} to {alpha.high:.3f}), "
        f"E = {found.law.limit:.3f}, N0 = {found.law.scale:.3g}. Predicted for the largest: {predicted.difference:.4f} "
        f"({predicted.low:.4f} to {predicted.high:.4f}); measured: {found.measured:.4f}, "
        f"off by {abs(predicted.difference - found.measured):.4f} nats.{_also(found.law.caution)}"
    )


def _also(caution: str) -> str:
    return f" But {caution}" if caution else ""


def write_page(result: SizeSweepResult, path: Path) -> None:
    """Write the plot of a size sweep to `path`."""
    plot(result.sizes).write_html(path, include_plotlyjs=True)


def plot(sizes: Sequence[Measured]) -> go.Figure:
    """Losses over sizes, every seed a point, and the law fitted to their means where there is one."""
    drawn = frame("Loss of the test items by size of the model", 420)
    parameters = np.array([one.parameters for one in sizes], np.float64)
    points = [(one.parameters, loss) for one in sizes for loss in one.losses]
    drawn.add_scatter(x=[p for p, _ in points], y=[loss for _, loss in points], mode="markers", marker={"color": MARK}, name="measured")
    try:
        law = fit_scaling_law(parameters, np.array([np.mean(one.losses) for one in sizes]))
        line = np.geomspace(parameters.min(), 4.0 * parameters.max(), 60)
        drawn.add_scatter(x=line, y=law.predict(line), mode="lines", line={"color": UNCLEAR, "dash": "dot"}, name="law")
    except ConfigError:
        drawn.update_layout(title="Loss of the test items by size of the model (no law: it does not fall with size)")
    drawn.update_xaxes(type="log", title="parameters without embeddings, 12 L d²")
    return drawn.update_yaxes(title="cross-entropy, nats")
