"""What was shown since the last run is appended once, checked, and then learnt from; what its check refuses is left out and told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_service.schedules import event_append
from ihas_service.schedules.event_append import EventAppender
from ihas_service.schedules.scheduler import Scheduler
from ihas_service.storage.catalogue import DatasetState
from ihas_service.storage.feedback import Answer, Deed, Feedback, KeptItem
from ihas_service.storage.schedule_settings import ScheduleSettings
from ihas_service.storage.tables import ANSWERS, FEEDBACK
from tests.ihas.bundle_factory import small_bundle
from tests.service.schedules.conftest import World
from tests.service.schedules.test_scheduler import DAILY, DAY_S, DUE, HOUR_S, MONDAY, PROCESSES
from tests.service.storage.test_dataset_versions import append, check

pytestmark = pytest.mark.full

HOURLY = {"window_s": HOUR_S}
MODEL = GroupedRecommender(small_bundle())


def scheduler(world: World, **settings: Any) -> Scheduler:
    """Of one process, which knows what rows of the model look like."""
    own = world.settings.model_copy(update=settings)
    return Scheduler(world.store, own, appender=EventAppender(world.store, own, lambda *_: MODEL))


def shown(world: World, name: str, at: float, clicked: bool = False, tenant: str = "local") -> None:
    """An answer to ada with a film that she saw, and clicked or not, given and reported at a time."""
    feedback = Feedback(world.store)
    feedback.remember([Answer(name, tenant, "films", 1, {"m1": KeptItem(0, 0.5)}, context='{"user":"ada"}')])
    known = feedback.known(tenant, [name])[name]
    feedback.add([(Deed(name, "m1", kind), known) for kind in ("impression", *(["click"] if clicked else []))])
    for table, own in ((ANSWERS, ANSWERS.c.id == name), (FEEDBACK, FEEDBACK.c.answer_id == name)):
        world.store.write(lambda connection, table=table, own=own: connection.execute(table.update().where(own).values(at=at)))  # type: ignore[misc]


def file_of(world: World) -> Path:
    """The file that was appended last."""
    return max((world.folder / "datasets" / world.dataset_id).glob("upload-*"), key=lambda path: path.stat().st_mtime_ns)


def accept(world: World) -> None:
    """End the check of what was appended."""
    job = check(world.store)
    world.store.accept_dataset(job.id, job.token, {"rows": 9})


def test_what_was_shown_is_appended_checked_and_learnt_from(world: World) -> None:
    """At the due time the rows whose window has ended; a minute later the check still runs, and nothing starts; then the refresh of the new
    version. The next day's run appends what came since, and no row twice."""
    world.put(MONDAY, **DAILY, append_events=HOURLY)
    shown(world, "rc_1", MONDAY, clicked=True)
    shown(world, "rc_2", DUE - HOUR_S - 1)
    shown(world, "rc_3", DUE - HOUR_S)
    shown(world, "rc_other", MONDAY, tenant="acme")
    first = scheduler(world).look(DUE), world.seen()
    rows = pq.read_table(file_of(world)).to_pylist()
    waiting = scheduler(world).look(DUE + 60)
    accept(world)
    (job,) = scheduler(world).look(DUE + 120)
    seen = world.seen()

    assert (first[0], first[1].append_version, first[1].events_until, first[1].next_at) == ([], 2, DUE - HOUR_S, DUE)
    assert [(row["user"], row["movie"], row["click"]) for row in rows] == [("ada", "m1", 1), ("ada", "m1", 0)]
    assert (waiting, job.data_version, seen.append_version, seen.due_at, seen.missed) == ([], 2, None, DUE, 0)
    assert seen.next_at == DUE + DAY_S
    world.end(job.id)
    assert scheduler(world).look(DUE + DAY_S) == []
    assert [row["at"] for row in pq.read_table(file_of(world)).to_pylist()] == [DUE - HOUR_S]
    accept(world)
    assert [one.data_version for one in scheduler(world).look(DUE + DAY_S + 60)] == [3]


def test_of_several_processes_one_appends(world: World) -> None:
    """Four threads look at the same moment: one version, one file, and then one refresh."""
    world.put(MONDAY, **DAILY, append_events=HOURLY)
    shown(world, "rc_1", MONDAY)
    schedulers, together = [scheduler(world) for _ in range(PROCESSES)], threading.Barrier(PROCESSES)

    def look(one: Scheduler, at: float) -> int:
        together.wait()
        return len(one.look(at))

    with ThreadPoolExecutor(PROCESSES) as threads:
        assert sum(threads.map(look, schedulers, [DUE] * PROCESSES)) == 0
        accept(world)
        assert sum(threads.map(look, schedulers, [DUE + 60] * PROCESSES)) == 1
    assert [one.version for one in world.store.dataset_versions(world.dataset_id, None, 9)] == [2, 1]
    assert len(list((world.folder / "datasets" / world.dataset_id).glob("upload-*"))) == 1


def test_a_bad_day_is_left_out_and_told(world: World) -> None:
    """Its check refuses it: no refresh, the reason with the schedule, and the next day goes on with what came since."""
    world.put(MONDAY, **DAILY, append_events=HOURLY)
    shown(world, "rc_bad", MONDAY)
    scheduler(world).look(DUE)
    job = check(world.store)
    world.store.fail(job.id, job.token, {"code": "invalid_data", "title": "x", "detail": "The click rate is 100 %."})
    refused = scheduler(world).look(DUE + 60), world.seen()
    shown(world, "rc_good", DUE)
    scheduler(world).look(DUE + DAY_S)

    assert (refused[0], refused[1].next_at, refused[1].append_version) == ([], DUE + DAY_S, None)
    assert "Version 2 of data set" in str(refused[1].error)
    assert "is left out: The click rate is 100 %." in str(refused[1].error)
    assert [row["at"] for row in pq.read_table(file_of(world)).to_pylist()] == [DUE]
    accept(world)
    assert [one.data_version for one in scheduler(world).look(DUE + DAY_S + 60)] == [3]
    assert world.seen().error is None


def test_without_rows_the_refresh_starts_at_once(world: World) -> None:
    """Nothing was shown, or nothing since: the data set stays as it is."""
    world.put(MONDAY, **DAILY, append_events={**HOURLY, "since": DUE})
    shown(world, "rc_1", MONDAY)
    (job,) = scheduler(world).look(DUE)

    assert (job.data_version, world.seen().events_until, world.seen().append_version) == (1, None, None)


def test_a_check_of_somebody_else_is_waited_for(world: World) -> None:
    """Rows cannot be appended meanwhile; a minute later they are."""
    world.put(MONDAY, **DAILY, append_events=HOURLY)
    shown(world, "rc_1", MONDAY)
    append(world.store, world.dataset_id, 7)
    assert (scheduler(world).look(DUE), world.seen().append_version, world.seen().error) == ([], None, None)
    accept(world)
    assert (scheduler(world).look(DUE + 60), world.seen().append_version) == ([], 3)


def test_nothing_is_appended_for_a_refresh_that_cannot_start(world: World) -> None:
    """While the run before is under way, the due time is passed over; without a run to carry on, without room, or for a model that does not
    say what its rows look like, it is told."""
    world.put(MONDAY, **DAILY, append_events=HOURLY)
    (first,) = scheduler(world).look(DUE)
    shown(world, "rc_1", MONDAY)
    assert (scheduler(world).look(DUE + DAY_S), world.seen().skipped) == ([], 1)
    world.end(first.id)
    told = []
    for day, process in enumerate((world.scheduler(), scheduler(world, max_dataset_bytes_per_tenant=11)), start=2):
        assert process.look(DUE + day * DAY_S) == []
        told.append(str(world.seen().error))

    assert "does not say what its rows look like" in told[0]
    assert "bytes" in told[1]
    assert [one.version for one in world.store.dataset_versions(world.dataset_id, None, 9)] == [1]
    assert not list(world.folder.glob("datasets/*/upload-*"))


def test_a_change_of_the_schedule_doubles_no_row(world: World) -> None:
    """What was appended stays appended, also while its check runs; another data set begins anew."""
    world.put(MONDAY, **DAILY, append_events=HOURLY)
    shown(world, "rc_1", MONDAY)
    scheduler(world).look(DUE)
    changed = world.put(DUE + 60, **DAILY, append_events=HOURLY)
    other = world.put(DUE + 120, **DAILY, append_events=HOURLY, refresh={"dataset_id": "ds_other"})

    assert (changed.events_until, changed.append_version) == (DUE - HOUR_S, None)
    assert other.events_until is None


def test_a_process_that_dies_between_file_and_version_doubles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is noted with the schedule: the next look appends the same rows."""

    def dies(*_: Any, **__: Any) -> None:
        raise OSError("killed")

    world.put(MONDAY, **DAILY, append_events=HOURLY)
    shown(world, "rc_1", MONDAY)
    with monkeypatch.context() as patched:
        patched.setattr(event_append, "append_for", dies)
        assert scheduler(world).look(DUE) == []
    assert (world.seen().events_until, world.seen().next_at, world.seen().error) == (None, DUE, None)
    scheduler(world).look(DUE + 60)
    versions = world.store.dataset_versions(world.dataset_id, None, 9)
    assert [(one.version, one.state) for one in versions] == [(2, DatasetState.VALIDATING), (1, DatasetState.VALID)]


@pytest.mark.parametrize(
    "asked", [{"positive": ">> 4"}, {"window_s": -1.0}, {"window_s": float("nan")}, {"since": -1.0}, {"every": 1}, {"every_s": 599.0}]
)
def test_what_cannot_be_appended_is_refused(asked: dict[str, Any]) -> None:
    """A rule that is none, and times that are none."""
    refresh = {"dataset_id": "ds_1"}
    with pytest.raises(ValidationError):
        ScheduleSettings.model_validate({**DAILY, "refresh": refresh, "append_events": asked})


TRIGGERED = {"new_rows": 5, "click_through_below": 0.5, "impressions": 2, "within_s": DAY_S, "pause_s": HOUR_S}


def versions(world: World) -> list[int]:
    """Versions of the data set, newest first."""
    return [one.version for one in world.store.dataset_versions(world.dataset_id, None, 9)]


def test_beside_triggers_rows_are_appended_as_they_come(world: World) -> None:
    """At once what is kept, then once in `every_s`; the new version alone starts nothing, and enough rows of it do, without further
    ones."""
    world.put(MONDAY, triggers={"new_rows": 5}, append_events={**HOURLY, "every_s": DAY_S})
    shown(world, "rc_1", MONDAY)
    assert (scheduler(world).look(DUE), world.seen().append_version) == ([], 2)
    job = check(world.store)
    world.store.accept_dataset(job.id, job.token, {"rows": 3})
    assert (scheduler(world).look(DUE + 60), world.seen().append_version, world.seen().events_until) == ([], None, DUE - HOUR_S)
    shown(world, "rc_2", DUE)
    assert (scheduler(world).look(DUE + DAY_S - 60), versions(world)) == ([], [2, 1])
    assert (scheduler(world).look(DUE + DAY_S), versions(world)) == ([], [3, 2, 1])
    job = check(world.store)
    world.store.accept_dataset(job.id, job.token, {"rows": 7})
    shown(world, "rc_3", DUE + HOUR_S)
    (started,) = scheduler(world).look(DUE + DAY_S + 60)
    seen = world.seen()

    assert (started.data_version, seen.why, seen.append_version) == (3, "5 new rows (new_rows 5).", None)
    assert seen.next_at == DUE + DAY_S + 60 + HOUR_S
    world.end(started.id)
    assert (scheduler(world).look(seen.next_at), versions(world)) == ([], [3, 2, 1])


def test_few_clicks_have_what_was_shown_appended_and_learnt_from(world: World) -> None:
    """Though the data set has no newer version; without rows to append nothing starts, and each run learns from newer ones."""
    now = world.store.now()
    world.put(now - DAY_S, triggers={**TRIGGERED, "new_rows": None}, append_events={**HOURLY, "since": now - DAY_S})
    shown(world, "rc_old", now - 2 * DAY_S)
    shown(world, "rc_1", now - 60)
    shown(world, "rc_2", now - 60)
    early = scheduler(world).look(now), versions(world)
    appended = scheduler(world).look(now + HOUR_S), world.seen().append_version
    waiting = scheduler(world).look(now + HOUR_S + 60)
    accept(world)
    (job,) = scheduler(world).look(now + HOUR_S + 120)

    assert (early, appended, waiting) == (([], [1]), ([], 2), [])
    assert (job.data_version, world.seen().why) == (2, "0 clicks of 2 impressions are 0.0000 (click_through_below 0.5).")
    world.end(job.id)
    assert (scheduler(world).look(world.seen().next_at), versions(world)) == ([], [2, 1])


def test_beside_triggers_a_bad_day_is_left_out_and_told(world: World) -> None:
    """Once; later looks go on with what comes since."""
    world.put(MONDAY, triggers={"new_rows": 5}, append_events=HOURLY)
    shown(world, "rc_bad", MONDAY)
    scheduler(world).look(DUE)
    job = check(world.store)
    world.store.fail(job.id, job.token, {"code": "invalid_data", "title": "x", "detail": "The click rate is 100 %."})
    scheduler(world).look(DUE + 60)
    told = world.seen()
    shown(world, "rc_good", DUE)
    scheduler(world).look(DUE + DAY_S)

    assert "is left out: The click rate is 100 %." in str(told.error)
    assert (told.append_version, told.next_at) == (None, DUE + 60 + 600)
    assert [row["at"] for row in pq.read_table(file_of(world)).to_pylist()] == [DUE]


def test_beside_triggers_one_of_several_processes_appends(world: World) -> None:
    """Four threads look at the same moment, three times: one version, and then one refresh."""
    world.put(MONDAY, triggers={"new_rows": 5}, append_events=HOURLY)
    shown(world, "rc_1", MONDAY)
    schedulers, together = [scheduler(world) for _ in range(PROCESSES)], threading.Barrier(PROCESSES)

    def look(one: Scheduler, at: float) -> int:
        together.wait()
        return len(one.look(at))

    with ThreadPoolExecutor(PROCESSES) as threads:
        assert sum(threads.map(look, schedulers, [DUE] * PROCESSES)) == 0
        accept(world)
        assert sum(threads.map(look, schedulers, [DUE + 60] * PROCESSES)) == 1
    assert versions(world) == [2, 1]
