"""Fifteen simulated days of a real service: what a weekly schedule earns, and what it does not let through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ihas_service.cli.main import run
from ihas_service.cli.terminal import ExitCode
from ihas_service.simulation.command import simulate
from ihas_service.simulation.plan import MODEL, MONDAY, Plan
from ihas_service.storage.aliases import CHAMPION, Aliases, AliasRef
from ihas_service.storage.schedules import Schedules
from ihas_service.storage.sql_store import SqlStore
from tests.service.cli.printed import only_line

PLAN = Plan(days=15, arms=("never", "weekly"), bad_day=3, bug_week=1)
DAY_S, FIRST_REFRESHED = 86_400.0, 7


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.timeout(3_600)
def test_a_weekly_schedule_follows_tastes_and_lets_nothing_bad_through(tmp_path: Path) -> None:
    """The bad day is refused by its report; the version that learnt from wrong towns is stopped by its gate, which says so; the good one
    serves from Monday on and earns more than the first one, and never more than the best that can be shown; nobody promoted anything."""
    found = simulate(PLAN, tmp_path / "loop", lambda _: None)
    never, weekly, best = found["arms"]["never"], found["arms"]["weekly"], found["oracle"]["click_rate"]
    refused = [night for night in weekly["nights"] if night["state"] == "invalid"]
    good, bad = weekly["versions"]

    assert [night["day"] for night in refused] == [PLAN.bad_day]
    assert "The click rate of the appended rows is 100.00%" in refused[0]["error"]
    assert [night["day"] for night in weekly["nights"] if night["version"] is None] == list(PLAN.silent_days)
    assert (weekly["nights"][13]["state"], weekly["nights"][13]["rows"]) == ("valid", 7 * PLAN.visits * 5)
    assert (good["day"], good["promoted"], bad["day"], bad["promoted"]) == (6, True, 13, False)
    assert "It fails its gates: AUC minus the champion's on" in bad["said"]
    assert [day["version"] for day in weekly["days"]] == [1] * FIRST_REFRESHED + [good["version"]] * 8
    assert weekly["click_rate"][:FIRST_REFRESHED] == never["click_rate"][:FIRST_REFRESHED]
    assert _mean(weekly["click_rate"]) > _mean(never["click_rate"]) + 0.02
    assert _mean(weekly["click_rate"]) < _mean(best)
    assert json.loads((tmp_path / "loop" / "loop.json").read_text()) == json.loads(json.dumps(found))
    assert "version stopped" in (tmp_path / "loop" / "loop.svg").read_text()
    _nobody_touched_anything(tmp_path / "loop" / "weekly", good["version"])


def _mean(rates: list[float]) -> float:
    """Of the days after the first refresh."""
    return sum(rates[FIRST_REFRESHED:]) / len(rates[FIRST_REFRESHED:])


def _nobody_touched_anything(folder: Path, serving: int) -> None:
    """The one promotion is the service's, in the first Monday's night of the simulated time; no run was missed or passed over."""
    store = SqlStore(f"sqlite:///{folder / 'ihas.db'}")
    history: list[Any] = list(Aliases(store).history(AliasRef("local", MODEL, CHAMPION, "", ""), None, 10))
    schedule = Schedules(store).get("local", MODEL)
    store.close()

    assert [(change.version, change.actor) for change in history] == [(serving, "service")]
    assert 0 < history[0].at - (MONDAY + FIRST_REFRESHED * DAY_S) < DAY_S
    assert (schedule.missed, schedule.skipped, schedule.error, schedule.revision) == (0, 0, None, 1)
    assert schedule.due_at == MONDAY + 14 * DAY_S + 3 * 3_600


def test_an_arm_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With those that there are."""
    assert run(["study", "loop", "--refresh", "weekly,hourly"]) == ExitCode.USAGE
    assert "must be among never, weekly, daily, but got 'hourly'" in only_line(capsys.readouterr().err)


def test_a_folder_of_an_earlier_simulation_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in it is changed."""
    (tmp_path / "weekly").mkdir()
    assert run(["study", "loop", "--folder", str(tmp_path)]) == ExitCode.USAGE
    assert "holds 'weekly'" in only_line(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["weekly"]
