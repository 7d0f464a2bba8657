"""`ihas schedule`: when models of a service are refreshed by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ihas_pipelines.kinds.recipe_file import assign
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.commands.models import ModelName
from ihas_service.cron import check_cron, check_zone

schedule = typer.Typer(name="schedule", help="When models of a service are refreshed by themselves.", no_args_is_help=True)


@schedule.command("set")
def set_schedule(
    context: typer.Context,
    name: ModelName,
    dataset: Annotated[str, typer.Option(help="Id of the data set; its newest valid version is read.")],
    cron: Annotated[str | None, typer.Option(help="Minute, hour, day, month, day of the week, such as '0 3 * * 1'.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone in which --cron is read, such as Europe/Berlin.")] = "UTC",
    trigger: Annotated[
        list[str] | None, typer.Option(help="A figure that starts a run, such as new_rows=10000; may be repeated, one is enough.")
    ] = None,
    window_days: Annotated[float | None, typer.Option(help="Only the newest rows count, of so many days.")] = None,
    window_column: Annotated[str | None, typer.Option(help="Column of times of the window; the stated time by default.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the refresh: epochs=2")] = None,
    auto_promote: Annotated[str | None, typer.Option(help="Which version goes live unasked: `first`, `passing` or `never`.")] = None,
    append_events: Annotated[bool, typer.Option("--append-events", help="First append what was shown since the last run.")] = False,
    positive: Annotated[str, typer.Option(help="What makes an appended row positive: click, or such as 'rating >= 4'.")] = "click",
    attribution: Annotated[float, typer.Option(help="Seconds after an answer within which events belong to it.")] = 86_400.0,
    append_every: Annotated[float, typer.Option(help="Seconds after which rows are appended though no trigger asks for a run.")] = 86_400.0,
    since: Annotated[str | None, typer.Option(help="Earliest row of the first run, such as 2026-11-01T00:00:00Z.")] = None,
    priority: Annotated[int, typer.Option(help="Jobs of a higher priority start first.")] = 0,
    url: Url = HERE,
) -> None:
    """Refresh a model by itself, at times or when a figure asks for it; what was set before is replaced."""
    try:
        check_zone(zone)
        if cron is not None:
            check_cron(cron)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--cron") from None
    refresh: dict[str, Any] = {"dataset_id": dataset, "settings": _assigned(set_), "auto_promote": auto_promote, "priority": priority}
    if window_days is not None:
        refresh["window"] = {"days": window_days, "column": window_column}
    elif window_column is not None:
        raise typer.BadParameter("A window has a length. Add --window-days.", param_hint="--window-column")
    asked: dict[str, Any] = {"cron": cron, "zone": zone, "triggers": _assigned(trigger) if trigger else None, "refresh": refresh}
    if append_events:
        asked["append_events"] = {
            "positive": positive,
            "window_s": attribution,
            "every_s": append_every,
            "since": 0.0 if since is None else _seconds(since),
        }
    with client_of(url) as client:
        found = client.set_schedule(name, asked)
    context.obj.result(found, _shown(found))


@schedule.command("show")
def show_schedule(context: typer.Context, name: ModelName, url: Url = HERE) -> None:
    """Show when a model is refreshed by itself, the last run, and missed and skipped ones."""
    with client_of(url) as client:
        found = client.schedule(name)
    context.obj.result(found, _shown(found))


@schedule.command("rm")
def remove_schedule(context: typer.Context, name: ModelName, yes: Yes = False, url: Url = HERE) -> None:
    """Refresh a model no longer by itself; a refresh that has begun goes on."""
    confirm(f"Delete the schedule of model {name}?", yes)
    with client_of(url) as client:
        gone = client.delete_schedule(name)
    context.obj.result(gone, f"Model {name} is no longer refreshed by itself.")


@schedule.command("ls")
def list_schedules(context: typer.Context, url: Url = HERE) -> None:
    """List schedules: when the next run is, what became of the last one, and how many were missed or skipped."""
    found: list[Mapping[str, Any]] = []
    with client_of(url) as client:
        page = client.schedules()
        found += page["schedules"]
        while page["next_cursor"] is not None:
            page = client.schedules(page["next_cursor"])
            found += page["schedules"]
    rows = [
        (
            one["model"],
            _when(one),
            _next(one),
            _minute(one["last_at"]),
            one["last_job_state"] or "",
            str(one["missed"]),
            str(one["skipped"]),
        )
        for one in found
    ]
    context.obj.result(found, plain_table(("model", "when", "next", "last", "became", "missed", "skipped"), rows))


def _assigned(overrides: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for override in overrides or ():
        assign(found, override)
    return found


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).timestamp()
    except ValueError:
        raise typer.BadParameter(f"a time is such as 2026-11-01T00:00:00Z, but got {moment!r}", param_hint="--since") from None


def _when(found: Mapping[str, Any]) -> str:
    settings = found["settings"]
    if settings["cron"] is not None:
        return f"{settings['cron']} ({settings['zone']})"
    wanted = {name: settings["triggers"][name] for name in ("new_rows", "drift_above", "click_through_below")}
    return " or ".join(f"{name} {value:g}" for name, value in wanted.items() if value is not None)


def _next(found: Mapping[str, Any]) -> str:
    return _minute(found["next_at"]) if found["settings"]["cron"] is not None else "when a figure asks"


def _minute(moment: str | None) -> str:
    """A time of the wire without its seconds."""
    return "" if moment is None else f"{moment[:16]}Z"


def _shown(found: Mapping[str, Any]) -> str:
    """A schedule as lines."""
    lines = {"when": _when(found), "data set": found["settings"]["refresh"]["dataset_id"], "next": _next(found)}
    if found["settings"]["append_events"] is not None:
        rule = found["settings"]["append_events"]["positive"]
        lines["appends"] = f"what was shown, positive by {rule}; so far until {found['events_until'] or 'none'}"
    if found["append_version"] is not None:
        lines["waits"] = f"for the check of version {found['append_version']} of the data set"
    if found["last_job_id"] is not None:
        lines["last run"] = f"{found['last_job_id']} at {found['last_at']}, {found['last_job_state'] or 'deleted'}: {found['last_why']}"
    if found["last_error"] is not None:
        lines["error"] = str(found["last_error"].get("detail"))
    if found["missed"]:
        lines["missed"] = f"{found['missed']}, lately {', '.join(found['missed_at'])}"
    if found["skipped"]:
        lines["skipped"] = f"{found['skipped']}, lately {found['skipped_at']}: the run before was under way"
    return "\n".join(f"{name:9} {value}" for name, value in lines.items())
