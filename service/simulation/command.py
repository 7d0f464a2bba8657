"""`ihas study loop`: every arm's days, as a document, a table and a plot."""

from __future__ import annotations

import resource
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from ihas.errors import ConfigError
from ihas.folders import write_whole
from ihas_service.simulation.arms import Arms, Course, Say
from ihas_service.simulation.drawing import Line, chart
from ihas_service.simulation.plan import Arm, Plan
from ihas_service.simulation.population import Population
from ihas_service.simulation.traffic import Day, Traffic

COLOURS = {"oracle": "#7f8fa6", "daily": "#2ca58d", "weekly": "#2f7ed8", "never": "#d1495b"}
OWN = ("start", "never", "weekly", "daily", "clock")
"""What a simulation makes in its folder besides its results."""
Document = dict[str, Any]


def simulate(plan: Plan, folder: Path, say: Say) -> Document:
    """Carry out a plan; writes loop.json and loop.svg.

    Raises:
        ConfigError: the folder holds an earlier simulation.
        TrainingError: a search or refresh did not succeed.
    """
    if taken := [name for name in OWN if (folder / name).exists()]:
        raise ConfigError(f"A simulation needs a folder of its own, but {folder} holds {taken[0]!r}. Name another one with `--folder`.")
    folder.mkdir(parents=True, exist_ok=True)
    traffic, before = Traffic(Population(plan.seed), plan.visits, plan.seed), processor_s()
    arms = Arms(plan, traffic, folder.resolve(), say)
    arms.search()
    courses = {arm: arms.carry_out(arm) for arm in plan.arms}
    found = document(plan, courses, [traffic.best(day) for day in range(plan.days)])
    found["processor_s"] = round(processor_s() - before)
    write_whole(folder / "loop.json", orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    write_whole(folder / "loop.svg", plot(found))
    return found


def processor_s() -> float:
    """Processor time of this process and of the children that it waited for, in seconds."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def document(plan: Plan, courses: dict[Arm, Course], best: list[Day]) -> Document:
    """What was simulated, as JSON values."""
    arms: dict[str, Document] = {arm: {"click_rate": _rates(course.days), **asdict(course)} for arm, course in courses.items()}
    for arm, course in courses.items():
        arms[arm]["mean_click_rate"] = _mean(course.days)
    oracle = {"click_rate": _rates(best), "mean_click_rate": _mean(best)}
    return {"days": plan.days, "seed": plan.seed, "visits": plan.visits, "bad_day": plan.bad_day, "arms": arms, "oracle": oracle}


def _rates(days: list[Day]) -> list[float]:
    return [round(day.click_rate, 4) for day in days]


def _mean(days: list[Day]) -> float:
    return round(sum(day.clicked for day in days) / sum(day.shown for day in days), 4)


def plot(found: Document) -> str:
    """Click rate by day and arm, as SVG."""
    rates = {"oracle": found["oracle"]["click_rate"]} | {arm: found["arms"][arm]["click_rate"] for arm in reversed(found["arms"])}
    lines = [Line(name, COLOURS[name], values, dashed=name == "oracle") for name, values in rates.items()]
    marks = {found["bad_day"] + 1: "bad day refused"} | {day + 1: "version stopped" for day in stopped_days(found)}
    return chart("Clicks per item shown", lines, {day: words for day, words in marks.items() if day <= found["days"]})


def stopped_days(found: Document) -> list[int]:
    """Days in whose night the weekly arm's gates stopped a version; of daily, where there is no weekly one."""
    arms = found["arms"]
    versions: list[Document] = next((arms[arm]["versions"] for arm in ("weekly", "daily") if arm in arms), [])
    return [version["day"] for version in versions if not version["promoted"]]
