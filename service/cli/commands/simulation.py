"""`ihas study loop`: the loop in simulated time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from ihas_pipelines.commands.studies import study
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.simulation.plan import Arm, Plan

ARMS = get_args(Arm)


@study.command("loop")
def study_loop(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="New folder of the services, of loop.json and loop.svg.")] = Path("runs/loop"),
    days: Annotated[int, typer.Option(min=1, max=365, help="Simulated days, from a Monday on.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Of people, visits and luck.")] = 0,
    refresh: Annotated[str, typer.Option(help="How often the model is refreshed, an arm each.")] = ",".join(ARMS),
) -> None:
    """Serve people whose tastes drift, refresh by schedule, and compare click rates with the best possible ones."""
    from ihas_service.simulation.command import simulate

    found = simulate(Plan(days=days, seed=seed, arms=_arms(refresh)), folder, context.obj.say)
    rows = [(arm, one["mean_click_rate"], one["click_rate"][-1], _versions(one)) for arm, one in found["arms"].items()]
    rows.append(("oracle", found["oracle"]["mean_click_rate"], found["oracle"]["click_rate"][-1], ""))
    context.obj.result(found, plain_table(("refresh", "clicks per item", "on the last day", "versions promoted and stopped"), rows))


def _arms(text: str) -> tuple[Arm, ...]:
    asked = [part.strip() for part in text.split(",")]
    if unknown := [part for part in asked if part not in ARMS]:
        raise typer.BadParameter(f"arms must be among {', '.join(ARMS)}, but got {unknown[0]!r}", param_hint="--refresh")
    return tuple(arm for arm in ARMS if arm in asked)


def _versions(arm: dict[str, list[dict[str, bool]]]) -> str:
    promoted = [version["promoted"] for version in arm["versions"]]
    return f"{sum(promoted)} and {len(promoted) - sum(promoted)}"
