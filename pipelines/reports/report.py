"""A run as one HTML file that explains itself: no network, no other file, light and dark, wide and narrow.

Every text from data is escaped: by Jinja in the page, by `ihas_pipelines.reports.drawing.label` inside plots. The page's content
security policy names the two scripts by their hashes and forbids everything else, network access included. Plotly's script lies in the
page packed, without the kinds of plots that the page does not draw, and is unpacked by the other one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ihas.config.base import Config
from ihas.folders import write_whole
from ihas.results.run_result import RunResult, VariantResult
from ihas_pipelines.reports import captions, findings
from ihas_pipelines.reports.all_plots import PLOTS
from ihas_pipelines.reports.drawing import group_colour, interval, outcome
from ihas_pipelines.reports.group_plots import gate_range, gates
from ihas_pipelines.reports.partial_plotly import packed_library


def write_report(result: RunResult, path: Path) -> None:
    """Write the report of a run to `path`, whole or not at all."""
    write_whole(path, render_report(result))


def render_report(result: RunResult) -> str:
    """The report of a run, or of a refresh, as one HTML document."""
    if result.refresh is not None:
        return render_page("refresh.html", {}, result=result, headline=_refresh_headline(result))
    drawn: dict[str, go.Figure] = {name: figure(result) for name, figure in PLOTS.items() if name != "gates"}
    drawn |= {f"gates-{group.group}": gates(result, group.group) for group in result.groups}
    return render_page(
        "report.html",
        drawn,
        result=result,
        base=result.variants[0],
        chosen=chosen_variant(result),
        captions={name: caption(result) for name, caption in captions.CAPTIONS.items()},
        headline=captions.headline(result),
        gate_range=gate_range(result),
        diversity=captions.diversity(result),
        against_base=captions.against_base,
        weak=findings.weak_segments(result),
        important=findings.fields_by_importance(result),
        next_commands=findings.next_commands(result),
        settings=list(_settings(result.learning, type(result.learning)())),
    )


def render_page(template: str, drawn: Mapping[str, go.Figure], **values: Any) -> str:
    """A page that needs no other file: a template of `pipelines/reports/templates`, the plots by name, and what else it shows."""
    environment = Environment(
        loader=PackageLoader("ihas_pipelines.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(outcome=outcome, group_colour=group_colour, interval=interval, counted=captions.counted)
    script = _asset(environment, "report.js")
    kinds = frozenset(str(trace.type) for one in drawn.values() for trace in one.data)
    library, packed = packed_library(kinds) if drawn else ("", "")
    return environment.get_template(template).render(
        **values,
        style=Markup(_asset(environment, "report.css")),
        script=Markup(script),
        library=Markup(packed),
        script_hashes=" ".join(_hash(one) for one in (library, script) if one),
        figures=Markup(_plots_json(drawn)),
    )


def _refresh_headline(result: RunResult) -> str:
    return "The refreshed model serves" if result.chosen == result.variants[1].name else "The model as it was goes on serving"


def chosen_variant(result: RunResult) -> VariantResult:
    """The variant that the bundle serves."""
    return next(variant for variant in result.variants if variant.name == result.chosen)


def _asset(environment: Environment, name: str) -> str:
    if environment.loader is None:
        raise FileNotFoundError(name)
    return environment.loader.get_source(environment, name)[0]


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _plots_json(drawn: Mapping[str, go.Figure]) -> str:
    """All plots as JSON that cannot end the script element it stands in; titles are left to the page."""
    for figure in drawn.values():
        figure.update_layout(title=None)
    return json.dumps({name: json.loads(figure.to_json()) for name, figure in drawn.items()}).replace("<", "\\u003c")


def _settings(config: Config, standard: Config, prefix: str = "") -> Iterator[tuple[str, Any, bool, str]]:
    """Each setting as (name, value, whether it differs from the default, description)."""
    for name, field in type(config).model_fields.items():
        value, default = getattr(config, name), getattr(standard, name)
        if isinstance(value, Config):
            yield from _settings(value, default, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value, value != default, (field.description or "").replace("`", "")
