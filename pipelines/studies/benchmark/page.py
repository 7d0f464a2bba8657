"""A benchmark as one HTML file that needs no network, in the look of a run's report; it links to the reports of its runs."""

from __future__ import annotations

import plotly.graph_objects as go

from ihas_pipelines.reports.captions import Caption, counted, listed
from ihas_pipelines.reports.drawing import outcome
from ihas_pipelines.reports.report import render_page
from ihas_pipelines.studies.benchmark.plots import compared, gains, pareto
from ihas_pipelines.studies.benchmark.table import Benchmark, Section, pareto_frontier


def render_benchmark(benchmark: Benchmark) -> str:
    """The page of a benchmark, as far as it is."""
    figures: dict[str, go.Figure] = {}
    for number, section in enumerate(benchmark.sections):
        if section.rows:
            figures[f"pareto-{number}"] = pareto(section)
        if compared(section):
            figures[f"gains-{number}"] = gains(section)
    return render_page(
        "benchmark.html",
        figures,
        benchmark=benchmark,
        headline=headline(benchmark),
        captions=[{"pareto": pareto_caption(section), "gains": gains_caption(section)} for section in benchmark.sections],
        places=set(figures),
    )


def headline(benchmark: Benchmark) -> str:
    """How far it is, and what the served choice gained, in one sentence."""
    if benchmark.finished < benchmark.cells:
        return f"{benchmark.finished} of {counted(benchmark.cells, 'cell')} finished."
    chosen = [(section, row) for section in benchmark.sections for row in section.rows if row.name == "chosen"]
    kinds = {kind: [s for s, row in chosen if outcome(row.gain) == kind] for kind in ("better", "unclear", "worse")}
    words = {"better": "better than the base on", "unclear": "not told apart from the base on", "worse": "worse than the base on"}
    told = listed(f"{words[kind]} {listed(f'{s.data} ({s.backbone})' for s in sections)}" for kind, sections in kinds.items() if sections)
    failed = f" {counted(len(benchmark.failures), 'cell')} failed." if benchmark.failures else ""
    return f"What validation chose is {told}.{failed}"


def pareto_caption(section: Section) -> Caption:
    """Of the plot of AUC against parameters."""
    read = (
        "Up is better ranking, left is a smaller model to run for a row; the axis is logarithmic. A bar is the 95 % interval of the "
        "difference to the base under the same seeds, drawn at the mean AUC; it may leave the plot. Filled circles are candidates, "
        "open ones controls, the star is the choice of validation, diamonds are baseline methods. The dotted line is the Pareto frontier "
        "without controls."
    )
    steps = (f"{row.name} ({row.parameters_per_path:,.0f} parameters, AUC {row.auc:.5f})" for row in pareto_frontier(section.rows))
    return Caption(read, f"On the line: {listed(steps)}.")


def gains_caption(section: Section) -> Caption:
    """Of the plot of gains."""
    read = (
        "A mark is the mean difference to the base of the same seed, the bar its 95 % interval over the seeds. Where it crosses the "
        "dashed line, so many seeds cannot tell the two apart (grey). With one seed there is no interval, and no mark."
    )
    rows = compared(section)
    names = {kind: [row.name for row in rows if outcome(row.gain) == kind] for kind in ("better", "worse", "unclear")}
    here = f"Better than the base: {listed(names['better'])}; worse: {listed(names['worse'])}; not told apart: {listed(names['unclear'])}."
    return Caption(read, here)
