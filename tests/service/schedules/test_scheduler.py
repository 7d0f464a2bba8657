"""What is due runs once, whoever looks; what was missed, passed over or refused is told."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from ihas_service.jobs.runs import search_folder
from ihas_service.schedules.scheduler import Scheduler
from ihas_service.states import JobState
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.feedback import Answer, Deed, Feedback, KeptItem
from ihas_service.storage.job import REFRESH
from tests.service.schedules.conftest import World

pytestmark = pytest.mark.full

MONDAY = datetime.fromisoformat("2026-11-30T00:00:00+00:00").timestamp()
HOUR_S, DAY_S = 3_600.0, 86_400.0
DUE = MONDAY + 3 * HOUR_S
DAILY = {"cron": "0 3 * * *"}
PROCESSES = 4
FIELD = {"new_values": 0, "new_share": 0.0, "missing_before": 0.0, "missing": 0.0}


def test_what_is_due_becomes_a_refresh(world: World) -> None:
    """Not a second before; of the version that serves, on the newest valid version of the data set, with what the schedule states."""
    world.grow(2, 9)
    refresh = {"settings": {"epochs": 1}, "window": {"days": 28.0, "column": "day"}, "auto_promote": "passing", "priority": 5}
    put = world.put(MONDAY, **DAILY, refresh=refresh)
    early, (job,) = world.scheduler().look(DUE - 1), world.scheduler().look(DUE + 41)
    seen = world.seen()

    assert (put.next_at, early, world.scheduler().look(DUE + 42)) == (DUE, [], [])
    assert (job.kind, job.name, job.tenant, job.dataset_id, job.data_version, job.priority) == (
        REFRESH.name, "films", "local", world.dataset_id, 2, 5,
    )  # fmt: skip
    assert (job.settings["learning"], job.settings["auto_promote"], job.settings["window"]["days"]) == ({"seed": 3}, "passing", 28.0)
    assert (job.settings["refresh"]["version"], job.settings["refresh"]["settings"]["epochs"]) == (1, 1)
    assert (seen.job_id, seen.job_state, seen.due_at, seen.ran_at, seen.next_at) == (job.id, "queued", DUE, DUE + 41, DUE + DAY_S)
    assert (seen.why, seen.missed, seen.skipped, seen.error) == ("cron 0 3 * * * in UTC.", 0, 0, None)


def test_of_several_processes_one_makes_the_job(world: World) -> None:
    """Four threads, each with what a process has, look at the same moment, five days in a row: five jobs, none missed or passed over."""
    world.put(MONDAY, **DAILY)
    schedulers, together = [world.scheduler() for _ in range(PROCESSES)], threading.Barrier(PROCESSES)

    def look(scheduler: Scheduler, at: float) -> list[str]:
        together.wait()
        return [job.id for job in scheduler.look(at)]

    made: list[str] = []
    with ThreadPoolExecutor(PROCESSES) as threads:
        for day in range(5):
            at = DUE + day * DAY_S
            found = [job for jobs in threads.map(look, schedulers, [at] * PROCESSES) for job in jobs]
            assert len(found) == 1
            world.end(found[0])
            made += found
    seen = world.seen()

    assert [job.id for job in world.store.jobs(REFRESH, None, 50)] == made[::-1]
    assert (seen.turn, seen.missed, seen.skipped, seen.next_at) == (6, 0, 0, DUE + 5 * DAY_S)


def test_missed_times_are_told_and_one_run_is_made(world: World) -> None:
    """The service was away for two weeks: the latest due time runs, the thirteen before it are counted, the last ten are named."""
    world.put(MONDAY, **DAILY)
    (job,) = world.scheduler().look(DUE + 13 * DAY_S + HOUR_S)
    seen = world.seen()

    assert (seen.job_id, seen.due_at, seen.next_at) == (job.id, DUE + 13 * DAY_S, DUE + 14 * DAY_S)
    assert (seen.missed, seen.missed_at) == (13, [DUE + day * DAY_S for day in range(3, 13)])
    world.end(job.id)
    world.scheduler().look(DUE + 15 * DAY_S)
    assert (world.seen().missed, world.seen().missed_at[-1]) == (14, DUE + 14 * DAY_S)


def test_a_late_run_is_not_a_missed_one(world: World) -> None:
    """One due time passed while the service was away: it runs when the service is back."""
    world.put(MONDAY, **DAILY)
    assert len(world.scheduler().look(DUE + 20 * HOUR_S)) == 1
    assert (world.seen().missed, world.seen().due_at, world.seen().ran_at) == (0, DUE, DUE + 20 * HOUR_S)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_run_is_passed_over_while_the_one_before_waits_or_runs(world: World, claimed: bool) -> None:
    """That is counted, with the time; once it has ended, the next due time runs."""
    world.put(MONDAY, **DAILY)
    (first,) = world.scheduler().look(DUE)
    if claimed:
        assert world.store.claim("ada", 60.0, 3) is not None
    passed = world.scheduler().look(DUE + DAY_S), world.scheduler().look(DUE + 2 * DAY_S)
    seen = world.seen()
    world.end(first.id)
    (second,) = world.scheduler().look(DUE + 3 * DAY_S)

    assert (passed, seen.job_id, seen.skipped, seen.skipped_at) == (([], []), first.id, 2, DUE + 2 * DAY_S)
    assert (seen.missed, seen.next_at) == (0, DUE + 3 * DAY_S)
    assert (world.seen().job_id, world.seen().skipped) == (second.id, 2)


def test_what_cannot_start_is_told(world: World) -> None:
    """The run behind the version is gone, then the data set: why is kept with the schedule, which goes on; a run that starts ends it."""
    world.put(MONDAY, **DAILY)
    source = world.store.versions("films")[0].job_id
    away = search_folder(world.folder, source) / "stages"
    shutil.move(away, away.with_name("away"))
    assert world.scheduler().look(DUE) == []
    first = world.seen()
    shutil.move(away.with_name("away"), away)
    (job,) = world.scheduler().look(DUE + DAY_S)
    after = world.seen()
    world.end(job.id)
    Deletions(world.store).dataset("local", world.dataset_id)
    assert world.scheduler().look(DUE + 2 * DAY_S) == []
    last = world.seen()

    assert "keeps its stages" in str(first.error)
    assert (first.error_at, first.next_at, first.job_id, first.missed) == (DUE, DUE + DAY_S, None, 0)
    assert (after.error, after.error_at, after.job_id) == (None, None, job.id)
    assert "There is no data set" in str(last.error)
    assert (last.next_at, last.job_id) == (DUE + 3 * DAY_S, job.id)


def test_a_full_queue_is_told_and_holds_up_no_other_schedule(world: World) -> None:
    """A tenant's limit of queued jobs counts for schedules too; another schedule that is due the same minute is looked at."""
    world.register("songs")
    world.put(MONDAY, **DAILY)
    world.put(MONDAY, "songs", cron="0 2 * * *")
    limited = world.settings.model_copy(update={"max_queued_per_tenant": 1})
    made = Scheduler(world.store, limited).look(DUE)

    assert [job.name for job in made] == ["songs"]
    assert "1 searches of this tenant are queued, the maximum is 1." in str(world.seen().error)


def test_new_rows_start_a_run_once(world: World) -> None:
    """At least so many beyond those learnt from: by the version that serves, and then by the run itself, whatever became of it; and not
    before the pause has ended."""
    world.put(MONDAY, triggers={"new_rows": 5, "pause_s": HOUR_S})
    none = world.scheduler().look(MONDAY)
    world.grow(2, 6)
    few = world.scheduler().look(MONDAY + 60)
    world.grow(3, 7)
    (first,) = world.scheduler().look(MONDAY + 120)
    seen = world.seen()
    world.end(first.id)
    same = world.scheduler().look(MONDAY + DAY_S)
    world.put(MONDAY + 180, triggers={"new_rows": 5, "pause_s": HOUR_S})
    world.grow(4, 12)
    paused = world.scheduler().look(MONDAY + 119 + HOUR_S)
    (second,) = world.scheduler().look(MONDAY + 120 + HOUR_S)

    assert (none, few, same, paused) == ([], [], [], [])
    assert (first.data_version, second.data_version) == (3, 4)
    assert (seen.why, seen.due_at, seen.next_at) == ("5 new rows (new_rows 5).", None, MONDAY + 120 + HOUR_S)


def test_figures_wait_for_the_run_before(world: World) -> None:
    """They are looked at again once it has ended; nothing was due, so nothing counts as passed over."""
    world.put(MONDAY, triggers={"new_rows": 1, "pause_s": 600.0})
    world.grow(2, 3)
    (first,) = world.scheduler().look(MONDAY)
    world.store.cancel(first.id)
    world.store.resume(first.id)
    job = world.store.claim("ada", 60.0, 3)
    assert job is not None
    world.grow(3, 4)
    assert world.scheduler().look(MONDAY + DAY_S) == []
    assert (world.seen().skipped, world.seen().job_state) == (0, JobState.RUNNING)
    world.end(first.id)
    assert len(world.scheduler().look(MONDAY + DAY_S)) == 1


@pytest.mark.parametrize(("drift", "by_chance", "starts"), [(0.4, 0.1, True), (0.4, 0.5, False), (0.2, 0.1, False)])
def test_drift_of_appended_rows_starts_a_run(world: World, drift: float, by_chance: float, starts: bool) -> None:
    """Of any version since the one learnt from, above the bound and above what chance gives."""
    world.put(MONDAY, triggers={"drift_above": 0.25})
    steady = {"column": "film", "drift": 0.0, "by_chance": 0.1, **FIELD}
    moved = {"column": "town", "drift": drift, "by_chance": by_chance, **FIELD}
    world.grow(2, 4, changes([steady, moved]))
    world.grow(3, 6, changes([steady]))
    found = world.scheduler().look(MONDAY)

    assert len(found) == int(starts)
    assert world.seen().why == ("Appended rows drift by 0.400 in 'town' (drift_above 0.25)." if starts else "")


@pytest.mark.parametrize(("served", "starts"), [((1_000, 0.3), True), ((999, 0.3), False), ((1_000, 0.2), False), (None, False)])
def test_drift_of_served_rows_starts_a_run(world: World, served: tuple[int, float] | None, starts: bool) -> None:
    """As this process has seen it of the version that serves, over enough rows."""
    world.put(MONDAY, triggers={"drift_above": 0.25, "impressions": 1_000})
    world.grow(2, 4)
    asked: list[tuple[str, str, int]] = []

    def drift_of(tenant: str, model: str, version: int) -> tuple[int, float] | None:
        asked.append((tenant, model, version))
        return served

    assert len(Scheduler(world.store, world.settings, drift_of).look(MONDAY)) == int(starts)
    assert asked == [("local", "films", 1)]


@pytest.mark.parametrize(("bound", "starts"), [(0.5, False), (0.51, True)])
def test_few_clicks_start_a_run(world: World, bound: float, starts: bool) -> None:
    """One click on two impressions of the version that serves is half, which is not below a half."""
    feedback = Feedback(world.store)
    feedback.remember([Answer("rc_1", "local", "films", 1, {"m1": KeptItem(0, 0.5), "m2": KeptItem(0, 0.4)})])
    known = feedback.known("local", ["rc_1"])["rc_1"]
    feedback.add([(Deed("rc_1", "m1", "click"), known), (Deed("rc_1", "m2", "impression"), known)])
    world.grow(2, 4)
    world.put(MONDAY, triggers={"click_through_below": bound, "impressions": 2})

    assert len(world.scheduler().look(MONDAY)) == int(starts)


def changes(fields: list[dict[str, object]]) -> dict[str, object]:
    """What a report says that appended rows changed."""
    return {"rows_before": 2, "rows_appended": 2, "click_rate": None, "fields": fields}
