"""`ihas model`: models of a service, which version answers, and versions that come of others."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ihas.errors import RequestError
from pipelines.reports.terminal_tables import plain_table
from service.cli.commands.connection import HERE, Url, client_of

ModelName = Annotated[str, typer.Argument(help="Name of the model.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]

model = typer.Typer(name="model", help="Models of a service: which version answers.", no_args_is_help=True)


@model.command("ls")
def list_models(context: typer.Context, url: Url = HERE) -> None:
    """The newest version of every model, and the one that answers."""
    with client_of(url) as client:
        found = [client.model(one["name"]) for one in client.models()["models"]]
    shown = [(one["name"], one["latest"], one["serving"], one["problem"] or "") for one in found]
    context.obj.result(found, plain_table(("model", "newest", "answers", "problem"), shown))


@model.command()
def promote(
    context: typer.Context,
    name: ModelName,
    version: Annotated[int, typer.Argument(help="The version.")],
    reason: Why = "",
    url: Url = HERE,
) -> None:
    """Make a version the champion, once it is loaded and meets its golden rows."""
    with client_of(url) as client:
        found = client.promote(name, version, reason)
    context.obj.result(found, f"Version {found['version']} of {name} answers (revision {found['revision']}).")


@model.command()
def rollback(context: typer.Context, name: ModelName, reason: Why = "", url: Url = HERE) -> None:
    """Return to the champion before."""
    with client_of(url) as client:
        found = client.roll_back(name, reason)
    context.obj.result(found, f"Version {found['version']} of {name} answers (revision {found['revision']}).")


@model.command()
def history(context: typer.Context, name: ModelName, url: Url = HERE) -> None:
    """Who made which version the champion, when and why."""
    with client_of(url) as client:
        found = client.alias_history(name)["changes"]
    shown = [(one["revision"], one["version"], one["kind"], one["at"], one["actor"], one["reason"]) for one in found]
    context.obj.result(found, plain_table(("revision", "version", "how", "when", "who", "why"), shown))


@model.command()
def traffic(
    context: typer.Context,
    name: ModelName,
    canary: Annotated[int | None, typer.Option(help="Version that answers some of the requests.")] = None,
    percent: Annotated[float, typer.Option(help="Share of the requests that the canary answers, in hundredths.")] = 0.0,
    sticky: Annotated[str | None, typer.Option(help="Context field that keeps a person on one side.")] = None,
    shadow: Annotated[list[int] | None, typer.Option(help="Version that answers unheard; may be given several times.")] = None,
    group: Annotated[list[int] | None, typer.Option(help="Group that canary and shadows are for; may be given several times.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let the champion answer everything.")] = False,
    url: Url = HERE,
) -> None:
    """Show how a model's requests are divided, or divide them."""
    plan: dict[str, Any] = {"sticky_field": sticky, "shadows": shadow or [], "shadow_groups": group or []}
    if canary is not None:
        plan["canary"] = {"version": canary, "percent": percent, "groups": group or []}
    with client_of(url) as client:
        found = client.traffic(name)
        if clear or canary is not None or shadow:
            found = client.divide(name, {} if clear else plan, found["revision"])
    part = found["canary"]
    lines = [f"champion: version {found['champion']}"]
    by = found["sticky_field"] or "chance"
    lines += [f"canary:   version {part['version']}, {part['percent']:g} %, by {by}{_of_groups(part['groups'])}"] if part else []
    lines += [f"shadow:   version {one}{_of_groups(found['shadow_groups'])}" for one in found["shadows"]]
    context.obj.result(found, "\n".join(lines))


@model.command("add")
def add_interactions(
    context: typer.Context,
    name: ModelName,
    interactions: Annotated[Path, typer.Argument(help="A `user` and an `item` a line, oldest first: JSON objects, or CSV with a header.")],
    version: Annotated[int | None, typer.Option(help="The version that is added to; it must still be the newest.")] = None,
    url: Url = HERE,
) -> None:
    """Put interactions, of new users and items too, behind those of an OverRec model; the result is its next version."""
    pairs = _interactions(interactions)
    with client_of(url) as client:
        made = client.add_interactions(name, pairs, version)
    context.obj.result(made, f"Version {made['version']} of {made['name']} has {len(pairs):,} more interactions.")


@model.command("front")
def put_front(
    context: typer.Context,
    name: ModelName,
    histories: Annotated[str, typer.Argument(help="Name of an OverRec model, which answers for users whom the other one does not know.")],
    register_as: Annotated[str, typer.Option(help="Name of the model that comes out; one that exists gets another version.")],
    user_field: Annotated[str, typer.Option(help="Field of the trained model that names the user.")] = "user",
    url: Url = HERE,
) -> None:
    """Put histories in front of a trained model."""
    with client_of(url) as client:
        made = client.put_front(name, histories, register_as, user_field)
    context.obj.result(made, f"Version {made['version']} of {made['name']}: {histories} in front of {name}.")


def _interactions(path: Path) -> list[dict[str, str]]:
    """The `user` and the `item` of each line.

    Raises:
        RequestError: the file cannot be read, or a line has not both.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file) if path.suffix == ".csv" else (json.loads(line) for line in file if line.strip())
            return [{"user": row["user"], "item": row["item"]} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        law = f"Interactions must come from a readable file with a `user` and an `item` on every line, but {path} is none"
        raise RequestError(f"{law} ({type(error).__name__}: {error}).") from error


def _of_groups(groups: list[int]) -> str:
    return f", of groups {', '.join(map(str, groups))}" if groups else ""
