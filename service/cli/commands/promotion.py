"""`ihas model promotion` and `ihas model gates`: which versions go live without a person, and what the gates said of one."""

from __future__ import annotations

from typing import Annotated

import typer

from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, client_of
from ihas_service.cli.commands.models import ModelName, model


@model.command()
def promotion(
    context: typer.Context,
    name: ModelName,
    auto: Annotated[str | None, typer.Option(help="`first`, `passing` or `never`; without any option, the settings are shown.")] = None,
    bound: Annotated[list[str] | None, typer.Option(help="Bound of a gate, such as auc_tolerance=0.002; may be repeated.")] = None,
    url: Url = HERE,
) -> None:
    """Show or change which new versions go live without a person. Bounds that are not stated stay."""
    with client_of(url) as client:
        found = client.promotion(name)
        if auto is not None or bound:
            kept = None if found["by_default"] else found["auto_promote"]
            found = client.set_promotion(name, auto or kept, {**found["gates"], **dict(map(_bound, bound or ()))})
    default = " (the service's default)" if found["by_default"] else ""
    bounds = "\n".join(f"{bound:18} {value:g}" for bound, value in found["gates"].items())
    context.obj.result(found, f"{'auto_promote':18} {found['auto_promote']}{default}\n{bounds}")


@model.command()
def gates(context: typer.Context, name: ModelName, version: Annotated[int, typer.Argument(help="The version.")], url: Url = HERE) -> None:
    """Show what the gates said of a version."""
    with client_of(url) as client:
        found = client.gates(name, version)
    if found["passed"] is None:
        context.obj.result(found, f"No gates were evaluated when version {version} of {name} was registered.")
        return
    rows = [(one["name"], "met" if one["passed"] else "failed", one["detail"]) for one in found["gates"]]
    context.obj.result(found, plain_table(("gate", "", "measured"), rows))


def _bound(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise typer.BadParameter(f"a bound is NAME=NUMBER, such as auc_tolerance=0.002, but got {text!r}", param_hint="--bound") from None
