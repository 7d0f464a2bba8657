"""`ihas model traffic` and `ihas model online`: who answers which request, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, client_of
from ihas_service.cli.commands.models import ModelName, model

ESTIMATES = {"served": "as served", "ips": "IPS", "snips": "SNIPS", "doubly_robust": "doubly robust"}
PLAN = ("canaries", "sticky_field", "shadows", "shadow_groups", "experiment", "interleave")
Share = tuple[int, float]
"""Version and percentage."""


@model.command()
def traffic(
    context: typer.Context,
    name: ModelName,
    canary: Annotated[list[str] | None, typer.Option(help="VERSION, or VERSION=PERCENT; may be repeated.")] = None,
    percent: Annotated[float, typer.Option(help="Percentage of the requests of a canary that states none.")] = 0.0,
    sticky: Annotated[str | None, typer.Option(help="Context field whose value decides between canary and champion.")] = None,
    shadow: Annotated[list[int] | None, typer.Option(help="Shadow version, whose responses are only compared; may be repeated.")] = None,
    group: Annotated[list[int] | None, typer.Option(help="Group that canaries and shadows are limited to; may be repeated.")] = None,
    experiment: Annotated[list[str] | None, typer.Option(help="Rule: alpha=0.05, minimum_effect=0.01, promote; may be repeated.")] = None,
    interleave: Annotated[str | None, typer.Option(help="VERSION=PERCENT that is interleaved with the champion.")] = None,
    explore: Annotated[
        float | None, typer.Option(help="Percentage of the recommendations whose order is drawn; alone, the rest stays.")
    ] = None,
    pool: Annotated[int, typer.Option(help="First items that --explore draws from.")] = 20,
    clear: Annotated[bool, typer.Option("--clear", help="Send all traffic to the champion, and draw no order.")] = False,
    url: Url = HERE,
) -> None:
    """Show or change the traffic split of a model."""
    plan: dict[str, Any] = {"sticky_field": sticky, "shadows": shadow or [], "shadow_groups": group or []}
    shares = [_share(one, percent) for one in canary or ()]
    plan["canaries"] = [{"version": version, "percent": part, "groups": group or []} for version, part in shares]
    if interleave is not None:
        version, part = _share(interleave, percent)
        plan["interleave"] = {"version": version, "percent": part}
    if experiment:
        plan["experiment"] = dict(map(_rule, experiment))
    with client_of(url) as client:
        found = client.traffic(name)
        changed = canary or shadow or interleave is not None
        if not changed and explore is not None:
            plan = {part: found[part] for part in PLAN}
        if explore is not None or found["explore"] is not None:
            plan["explore"] = found["explore"] if explore is None else {"percent": explore, "pool": pool}
        if clear or changed or explore is not None:
            found = client.divide(name, {} if clear else plan, found["revision"])
    context.obj.result(found, "\n".join(_plan_lines(found)))


@model.command()
def online(
    context: typer.Context,
    name: ModelName,
    days: Annotated[float, typer.Option(help="Days back from now.")] = 7.0,
    url: Url = HERE,
) -> None:
    """Show what versions earn: click-through by version and group, and canaries against the champion."""
    with client_of(url) as client:
        found = client.online(name, days * 86_400.0)
    rows = [(one["version"], one["group"], one["impressions"], one["clicks"], _ends(one["click_through"], one)) for one in found["groups"]]
    table = plain_table(("version", "group", "shown", "clicked", "click-through"), rows)
    trial = found.get("trial")
    context.obj.result(found, table if rows else "No events in this time.", *(() if trial is None else _trial_lines(trial)))


@model.command("off-policy")
def off_policy(
    context: typer.Context,
    name: ModelName,
    version: Annotated[int | None, typer.Option(help="The version; the one that serves by default.")] = None,
    days: Annotated[float, typer.Option(help="Days back from now.")] = 7.0,
    positive: Annotated[str, typer.Option(help="What counts: click, or such as 'rating >= 4'.")] = "click",
    window: Annotated[float, typer.Option(help="Attribution window in seconds.")] = 86_400.0,
    open_: Annotated[bool, typer.Option("--open", help="Also answers whose window has not ended.")] = False,
    answers: Annotated[int, typer.Option(help="Newest answers that are read.")] = 5_000,
    url: Url = HERE,
) -> None:
    """Show what a version would have earned on the answers that were given while orders were drawn (`traffic --explore`)."""
    asked = {"within_s": days * 86_400.0, "positive": positive, "window_s": window, "open": open_, "answers": answers}
    with client_of(url) as client:
        found = client.off_policy(name, version, **asked)
    counts = f"{found['answers']} answers, {found['explored']} of them in random order"
    said = f"Version {found['version']} on {counts}; {found['left_out']} left out."
    rows = [(words, _ends(found[part]["value"], found[part]), f"{found[part]['effective']:.0f}") for part, words in ESTIMATES.items()]
    context.obj.result(found, said, plain_table(("", f"{positive} per answer", "effective"), rows))


def _plan_lines(found: Mapping[str, Any]) -> Sequence[str]:
    by = found["sticky_field"] or "chance"
    lines = [f"champion: version {'none' if found['champion'] is None else found['champion']}"]
    for part in found["canaries"]:
        lines.append(f"canary:   version {part['version']}, {part['percent']:g} %, by {by}{_of_groups(part['groups'])}")
    if found["interleave"] is not None:
        lines.append(f"interleaved: version {found['interleave']['version']}, {found['interleave']['percent']:g} %, by {by}")
    if found["explore"] is not None:
        lines.append(f"explored: {found['explore']['percent']:g} % of the lists in random order, of {found['explore']['pool']} items")
    lines += [f"shadow:   version {one}{_of_groups(found['shadow_groups'])}" for one in found["shadows"]]
    rules = found["experiment"]
    if rules is not None:
        ends = "promoted" if rules["promote"] else "left to you"
        lines.append(f"experiment: alpha {rules['alpha']:g}, differences of {rules['minimum_effect']:g}; a better canary is {ends}")
    return lines


def _trial_lines(trial: Mapping[str, Any]) -> Sequence[RenderableType]:
    until = "runs" if trial["ended"] is None else f"ended {trial['ended']}"
    level = f"Intervals hold at every look (alpha {trial['alpha']:g})."
    lines: list[RenderableType] = [f"Trial {trial['trial']} began {trial['began']} and {until}. {level}"]
    if trial["arms"]:
        rows = [(one["version"], one["role"], one["answers"], *_found(one)) for one in trial["arms"]]
        lines.append(plain_table(("version", "", "answers", "clicks/answer", "minus champion", ""), rows))
    preference = trial["preference"]
    if preference is not None:
        what = f"{preference['wins']} won and {preference['losses']} lost of {preference['answers']} lists"
        lines.append(f"Interleaved: version {preference['version']} {what}; margin {_ends(preference['margin'], preference)}")
    return [*lines, *(f"Version {one['version']} was {one['decision']}. {one['detail']}" for one in trial["decisions"])]


def _ends(value: float | None, of: Mapping[str, Any]) -> str:
    """A figure with its interval."""
    if value is None:
        return ""
    return f"{value:.4f}" if of["low"] is None else f"{value:.4f} [{of['low']:.4f}, {of['high']:.4f}]"


def _found(arm: Mapping[str, Any]) -> tuple[str, str, str]:
    """Clicks per answer, difference, and which way it is."""
    mean = arm["clicks_per_answer"]
    return "" if mean is None else f"{mean:.4f}", _ends(arm["difference"], arm), arm["finding"] or ""


def _of_groups(groups: Sequence[int]) -> str:
    return f", of groups {', '.join(map(str, groups))}" if groups else ""


def _share(text: str, percent: float) -> Share:
    version, stated, part = text.partition("=")
    try:
        return int(version), float(part) if stated else percent
    except ValueError:
        raise typer.BadParameter(f"a share is VERSION=PERCENT, such as 3=5, but got {text!r}") from None


def _rule(text: str) -> tuple[str, float | bool]:
    name, stated, value = text.partition("=")
    if name == "promote":
        return name, value in ("", "true")
    try:
        return name, float(value) if stated else 0.0
    except ValueError:
        raise typer.BadParameter(f"a rule is NAME=NUMBER or `promote`, but got {text!r}", param_hint="--experiment") from None
