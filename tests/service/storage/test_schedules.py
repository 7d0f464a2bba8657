"""The table of schedules, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ihas_service.errors import PreconditionError, UnknownIdError
from ihas_service.storage.database import HEAD, VERSION, bring_up_to_date
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.expiry import Expiry
from ihas_service.storage.schedule_settings import ScheduledRefresh, ScheduleSettings
from ihas_service.storage.schedules import Schedule, Schedules, Turn
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import DATASETS, JOBS
from tests.contracts.job_store import search
from tests.service.storage.rewinding import drop_0011, drop_0012
from tests.service.storage.test_deletions import dataset

pytestmark = pytest.mark.full

NIGHTLY = ScheduleSettings.model_validate({"cron": "0 3 * * *", "refresh": {"dataset_id": "ds_1"}})
ON_ROWS = ScheduleSettings.model_validate({"triggers": {"new_rows": 5, "pause_s": 600.0}, "refresh": {"dataset_id": "ds_1"}})
DAY_S, THREE = 86_400.0, 3 * 3_600.0


def registered(store: SqlStore, tenant: str = "local", name: str = "films") -> None:
    """A version of a model."""
    store.submit(search(name=name, tenant=tenant))
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    store.succeed(job.id, job.token, f"searches/{job.id}/bundle")


def new(settings: ScheduleSettings = NIGHTLY, tenant: str = "local", model: str = "films") -> Schedule:
    """A schedule to put."""
    return Schedule(tenant, model, 0, settings, "ada", 0.0, 0, 0.0)


def test_a_schedule_is_put_read_changed_and_deleted(empty_store: SqlStore) -> None:
    """By the revision that the caller has seen; a model that there is not has none."""
    registered(empty_store)
    schedules = Schedules(empty_store)
    put = schedules.put(new(), 0, at=0.0)
    changed = schedules.put(new(ON_ROWS), 1, at=7.0)

    assert (put.revision, put.settings, put.actor, put.at, put.next_at) == (1, NIGHTLY, "ada", 0.0, THREE)
    assert (changed.revision, changed.settings, changed.next_at, schedules.get("local", "films")) == (2, ON_ROWS, 7.0, changed)
    for wrong in (0, 1, 3):
        with pytest.raises(PreconditionError, match="has revision 2, but the change expects"):
            schedules.put(new(), wrong)
    with pytest.raises(UnknownIdError, match="There is no model 'songs'"):
        schedules.put(new(model="songs"))
    schedules.delete("local", "films")
    for gone in (schedules.get, schedules.delete):
        with pytest.raises(UnknownIdError, match="has no schedule"):
            gone("local", "films")


def test_of_many_who_put_the_first_one_wins(empty_store: SqlStore) -> None:
    """Each expects that there is none yet."""
    registered(empty_store)
    schedules = Schedules(empty_store)

    def put(_: int) -> bool:
        try:
            return schedules.put(new(), 0).revision == 1
        except PreconditionError:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(put, range(8))) == 1
    assert schedules.get("local", "films").revision == 1


def test_a_tenant_sees_its_own(empty_store: SqlStore) -> None:
    """Also where two have a model of the same name; pages follow one another by name."""
    for tenant, name in (("local", "films"), ("local", "songs"), ("acme", "films")):
        registered(empty_store, tenant, name)
        Schedules(empty_store).put(new(tenant=tenant, model=name), at=0.0)
    schedules = Schedules(empty_store)

    assert [one.model for one in schedules.of_tenant("local", "", 50)] == ["films", "songs"]
    assert [one.model for one in schedules.of_tenant("local", "films", 50)] == ["songs"]
    assert [one.model for one in schedules.of_tenant("local", "", 1)] == ["films"]
    assert schedules.due(THREE - 1) == []
    assert schedules.due(THREE) == [("acme", "films"), ("local", "films"), ("local", "songs")]
    schedules.delete("acme", "films")
    assert len(schedules.of_tenant("local", "", 50)) == 2


def test_who_saw_an_older_turn_ends_none(empty_store: SqlStore) -> None:
    """Neither after another one ended it, nor after the schedule was changed, or deleted and made anew."""
    registered(empty_store)
    schedules, turn = Schedules(empty_store), Turn(THREE, THREE + DAY_S, THREE, "cron.")
    seen = schedules.put(new(), at=0.0)
    assert schedules.refuse(seen, turn, "Nothing.")
    assert (schedules.refuse(seen, turn, "Nothing."), schedules.start(seen, turn, search())) == (False, None)
    second = schedules.get("local", "films")
    schedules.put(new(), at=1.0)
    assert schedules.start(second, turn, search()) is None
    third = schedules.get("local", "films")
    schedules.delete("local", "films")
    assert schedules.start(third, turn, search()) is None
    schedules.put(new(), at=2.0)
    assert (schedules.start(seen, turn, search()), schedules.get("local", "films").job_id) == (None, None)


def test_a_change_counts_anew_and_keeps_the_last_run(empty_store: SqlStore) -> None:
    """Missed runs and errors belong to the settings that met them; the job that runs is still not doubled, and the pause not shortened."""
    registered(empty_store)
    schedules = Schedules(empty_store)
    seen = schedules.put(new(), at=0.0)
    job = schedules.start(seen, Turn(THREE + DAY_S, THREE + 2 * DAY_S, THREE + DAY_S, "cron.", (THREE,)), search())
    assert job is not None
    schedules.refuse(schedules.get("local", "films"), Turn(THREE + 2 * DAY_S, THREE + 3 * DAY_S, None, ""), "A \0 word.")
    told = schedules.get("local", "films")
    changed = schedules.put(new(ON_ROWS), at=THREE + DAY_S + 60)

    assert (told.missed, told.missed_at, told.error) == (1, [THREE], "A \N{REPLACEMENT CHARACTER} word.")
    assert (changed.missed, changed.missed_at, changed.error) == (0, [], None)
    assert (changed.job_id, changed.running, changed.next_at) == (job.id, True, THREE + DAY_S + 600.0)


def test_a_data_set_of_a_schedule_is_in_use(empty_store: SqlStore) -> None:
    """It is not deleted as one that nothing names, also before the first run; of another tenant's schedule it is no part."""
    dataset_id = dataset(empty_store)
    for table, name in ((DATASETS, "created_at"), (JOBS, "created_at")):
        older = table.update().values({name: table.c[name] - 2 * DAY_S})
        empty_store.write(lambda connection, older=older: connection.execute(older))  # type: ignore[misc]
    registered(empty_store)
    registered(empty_store, "acme")
    settings = NIGHTLY.model_copy(update={"refresh": ScheduledRefresh(dataset_id=dataset_id)})

    def unused() -> list[str]:
        return [one.id for one in Expiry(empty_store).unused_datasets(DAY_S, 0)]

    Schedules(empty_store).put(new(settings, "acme"))
    before = unused()
    Schedules(empty_store).put(new(settings))
    assert (before, unused()) == ([dataset_id], [])


def test_a_deleted_model_has_no_schedule(empty_store: SqlStore) -> None:
    """Nor has one that gets its name later."""
    registered(empty_store)
    schedules = Schedules(empty_store)
    schedules.put(new())
    Deletions(empty_store).model("local", "films", force=True)
    registered(empty_store)
    with pytest.raises(UnknownIdError, match="has no schedule"):
        schedules.get("local", "films")


def test_a_database_of_before_takes_schedules(empty_store: SqlStore) -> None:
    """Rows of 0010: models stay as they are, and have no schedule until one is put."""
    registered(empty_store)

    def back(connection: sa.Connection) -> None:
        drop_0012(connection)
        drop_0011(connection)
        connection.execute(VERSION.update().values(version_num="0010"))

    empty_store.write(back)
    bring_up_to_date(empty_store._engine.url.render_as_string(hide_password=False))
    schedules = Schedules(empty_store)

    assert [row["version_num"] for row in empty_store.read(sa.select(VERSION))] == [HEAD]
    assert (len(empty_store.versions("films")), schedules.of_tenant("local", "", 50)) == (1, [])
    assert schedules.put(new(), 0, at=0.0).next_at == THREE


def test_a_schedule_of_before_has_appended_nothing(empty_store: SqlStore) -> None:
    """Rows of 0011: it goes on as it was, and may append from now on."""
    registered(empty_store)
    schedules = Schedules(empty_store)
    put = schedules.put(new(), 0, at=0.0)

    def back(connection: sa.Connection) -> None:
        drop_0012(connection)
        connection.execute(VERSION.update().values(version_num="0011"))

    empty_store.write(back)
    bring_up_to_date(empty_store._engine.url.render_as_string(hide_password=False))
    assert schedules.get("local", "films") == put
    assert (put.events_until, put.append_version, put.settings.append_events) == (None, None, None)
