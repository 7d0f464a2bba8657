"""`ihas model`: models of a service, the versions that serve, and versions derived from others."""

from __future__ import annotations

import csv
import json
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from ihas.errors import RequestError
from ihas.results.run_result import FrontierPoint
from ihas_pipelines.kinds.recipe_file import assign
from ihas_pipelines.reports.terminal_tables import frontier_table, plain_table
from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.commands.searches import check_succeeded, searches_table, watched

ModelName = Annotated[str, typer.Argument(help="Name of the model.")]
OfVersion = Annotated[int | None, typer.Option("--version", help="Version whose search is meant; the newest by default.")]
Why = Annotated[str, typer.Option("--reason", help="Reason, for the history.")]

model = typer.Typer(name="model", help="Models of a service and their versions.", no_args_is_help=True)


@model.command("ls")
def list_models(context: typer.Context, url: Url = HERE) -> None:
    """List models with their newest and their serving version."""
    with client_of(url) as client:
        found = [client.model(one["name"]) for one in client.models()["models"]]
    shown = [(one["name"], one["latest"], one["serving"] or "none", one["problem"] or "") for one in found]
    context.obj.result(found, plain_table(("model", "newest", "serving", "problem"), shown))


@model.command()
def promote(
    context: typer.Context,
    name: ModelName,
    version: Annotated[int, typer.Argument(help="The version.")],
    reason: Why = "",
    require_gates: Annotated[bool, typer.Option("--require-gates", help="Only if it met its gates.")] = False,
    url: Url = HERE,
) -> None:
    """Make a version the champion, after it is loaded and passes its golden rows."""
    with client_of(url) as client:
        found = client.promote(name, version, reason, require_gates)
    if found.get("warning"):
        context.obj.say(found["warning"])
    context.obj.result(found, f"Version {found['version']} of {name} answers (revision {found['revision']}).")


@model.command()
def rollback(
    context: typer.Context,
    name: ModelName,
    reason: Why = "",
    to: Annotated[str | None, typer.Option(help="Version to return to, or `none`; the previous champion by default.")] = None,
    url: Url = HERE,
) -> None:
    """Return to the previous champion, to a version, or to none."""
    if to is not None and to != "none" and not to.isdecimal():
        raise typer.BadParameter(f"`--to` must be the number of a version or `none`, but got {to!r}.", param_hint="--to")
    with client_of(url) as client:
        found = client.roll_back(name, reason, int(to) if to is not None and to.isdecimal() else to)
    if found["version"] is None:
        shown = f"No version of {name} answers (revision {found['revision']}). Promote one: ihas model promote {name} VERSION"
    else:
        shown = f"Version {found['version']} of {name} answers (revision {found['revision']})."
    context.obj.result(found, shown)


@model.command("frontier")
def show_frontier(context: typer.Context, name: ModelName, version: OfVersion = None, url: Url = HERE) -> None:
    """List the points of the frontier of the search behind a version: quality on test rows, costs, measured latencies."""
    with client_of(url) as client:
        found = client.frontier(name, version)
    versions = {one["name"]: one["version"] for one in found["points"]}
    points = [FrontierPoint.model_validate({key: one[key] for key in one if key != "version"}) for one in found["points"]]
    context.obj.result(found, frontier_table(points, found["chosen"], versions))


@model.command("choose")
def choose_point(
    context: typer.Context,
    name: ModelName,
    point: Annotated[str, typer.Option(help="Name of the point; `ihas model frontier` lists them.")],
    version: OfVersion = None,
    url: Url = HERE,
) -> None:
    """Register another point of the frontier as the model's next version, without training."""
    with client_of(url) as client:
        made = client.choose(name, point, version)
    where = f"Version {made['version']} of {made['name']} serves `{point}`."
    context.obj.result(made, f"{where} If another one is promoted: ihas model promote {made['name']} {made['version']}")


@model.command("refresh")
def refresh_model(
    context: typer.Context,
    name: ModelName,
    dataset: Annotated[str, typer.Option(help="Id of a valid data set with newer rows and the same columns.")],
    version: Annotated[int | None, typer.Option(help="Version to carry on; by default the one that serves.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the refresh: epochs=2")] = None,
    priority: Annotated[int, typer.Option(help="Jobs of a higher priority start first.")] = 0,
    auto_promote: Annotated[str | None, typer.Option(help="Which version goes live unasked: `first`, `passing` or `never`.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key with the same settings is the same refresh.")] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Show progress until the refresh has finished.")] = False,
    url: Url = HERE,
) -> None:
    """Carry a model on with newer rows, without a search; the result is its next version."""
    settings: dict[str, Any] = {}
    for override in set_ or ():
        assign(settings, override)
    with client_of(url) as client:
        stated = {"version": version, "auto_promote": auto_promote}
        options = {"settings": settings, "priority": priority} | {name: value for name, value in stated.items() if value is not None}
        found = client.refresh(name, dataset, key or secrets.token_hex(8), **options)
        context.obj.say(f"Refresh {found['id']} is {found['state']}.")
        if follow:
            found = watched(client, found["id"], context.obj)
    context.obj.result(found, searches_table([found]))
    check_succeeded(found, follow)


@model.command("rm")
def remove_model(
    context: typer.Context,
    name: ModelName,
    version: Annotated[int | None, typer.Argument(help="Version; without it, the model with all its versions.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Delete the model also if it is in use.")] = False,
    yes: Yes = False,
    url: Url = HERE,
) -> None:
    """Delete a version of a model, or the model; its searches stay."""
    if force and version is not None:
        raise typer.BadParameter(
            "A version in use is not deleted. Promote another one first, or leave out the version.", param_hint="--force"
        )
    what = f"model {name} with all its versions" if version is None else f"version {version} of model {name}"
    confirm(f"Delete {what}?", yes)
    with client_of(url) as client:
        gone = client.delete_model(name, force) if version is None else client.delete_version(name, version)
    context.obj.result(gone, f"Deleted {what} ({gone['bytes']:,} bytes).")


@model.command("unalias")
def remove_alias(
    context: typer.Context,
    name: ModelName,
    alias: Annotated[str, typer.Argument(help="The alias.")],
    reason: Why = "",
    yes: Yes = False,
    url: Url = HERE,
) -> None:
    """Delete an alias other than champion; its version and its history stay."""
    confirm(f"Delete alias {alias} of model {name}?", yes)
    with client_of(url) as client:
        gone = client.delete_alias(name, alias, reason)
    context.obj.result(gone, f"Deleted alias {alias} of model {name}.")


@model.command()
def history(context: typer.Context, name: ModelName, url: Url = HERE) -> None:
    """List the changes of the champion: version, time, caller, reason."""
    with client_of(url) as client:
        found = client.alias_history(name)["changes"]
    shown = [(one["revision"], one["version"] or "none", one["kind"], one["at"], one["actor"], one["reason"]) for one in found]
    context.obj.result(found, plain_table(("revision", "version", "kind", "time", "actor", "reason"), shown))


@model.command("add")
def add_interactions(
    context: typer.Context,
    name: ModelName,
    interactions: Annotated[Path, typer.Argument(help="A `user` and an `item` a line, oldest first: JSON objects, or CSV with a header.")],
    version: Annotated[int | None, typer.Option(help="Version to add to; it must still be the newest.")] = None,
    url: Url = HERE,
) -> None:
    """Add interactions to an OverRec model, of new users and items too; the result is its next version."""
    pairs = _interactions(interactions)
    with client_of(url) as client:
        made = client.add_interactions(name, pairs, version)
    context.obj.result(made, f"Version {made['version']} of {made['name']} has {len(pairs):,} more interactions.")


@model.command("front", hidden=True)  # name of version 0.1.0
@model.command("cold-start")
def add_cold_start(
    context: typer.Context,
    name: ModelName,
    histories: Annotated[str, typer.Argument(help="Name of the OverRec model that answers for unknown users.")],
    register_as: Annotated[str, typer.Option(help="Name of the resulting model; an existing one gets another version.")],
    user_field: Annotated[str, typer.Option(help="Field of the trained model that names the user.")] = "user",
    url: Url = HERE,
) -> None:
    """Add a cold-start model to a trained model."""
    with client_of(url) as client:
        made = client.add_cold_start_model(name, histories, register_as, user_field)
    context.obj.result(made, f"Version {made['version']} of {made['name']}: {name}, with {histories} for unknown users.")


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
        law = f"Interactions must come from a readable file with a `user` and an `item` on every line, but {path} is not one"
        raise RequestError(f"{law} ({type(error).__name__}: {error}).") from error
