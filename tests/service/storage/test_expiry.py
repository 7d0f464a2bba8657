"""What is old is found, page by page, and what is in use or new is not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ihas_service.errors import UnknownIdError
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.expiry import Expiry
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import DATASETS, JOBS
from tests.service.storage.test_deletions import UPLOAD, dataset, submitted, version

pytestmark = pytest.mark.full


@pytest.fixture
def store(empty_store: SqlStore) -> SqlStore:
    """An empty store, on either database."""
    return empty_store


DAY_S = 86_400.0


def age(store: SqlStore, by_s: float = 2 * DAY_S) -> None:
    """Let everything that there is have happened so much earlier."""
    times = {JOBS: ("created_at", "started_at", "finished_at"), DATASETS: ("created_at", "deleted_at")}
    for table, names in times.items():
        earlier = table.update().values({name: table.c[name] - by_s for name in names})
        store.write(lambda connection, earlier=earlier: connection.execute(earlier))  # type: ignore[misc]


def test_old_searches_are_those_that_ended_long_ago(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one that waits, nor one that ended now, nor one that was emptied; page by page."""
    monkeypatch.setattr("ihas_service.storage.expiry.PAGE", 1)
    expiry, dataset_id = Expiry(store), dataset(store)
    succeeded, emptied = version(store, dataset_id).job_id, version(store, dataset_id).job_id
    cancelled = store.cancel(submitted(store, dataset_id).id).id
    submitted(store, dataset_id)
    Deletions(store).empty(emptied)
    age(store)
    version(store, dataset_id)
    first = expiry.old_searches(DAY_S, 0)
    second = expiry.old_searches(DAY_S, first[-1].number)

    assert [(one.id, one.state) for one in (*first, *second)] == [(succeeded, "succeeded"), (cancelled, "cancelled")]
    assert expiry.old_searches(DAY_S, second[-1].number) == []


def test_unused_data_sets_are_uploads_that_no_search_names(store: SqlStore) -> None:
    """Not one that a search names, nor one that was uploaded anew, nor one that is named by path, nor a new one."""
    unused, used, renewed = dataset(store), dataset(store), store.add_dataset(NewDataset("clicks", {})).id
    store.cancel(submitted(store, used).id)
    store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv"))
    age(store)
    store.receive_upload(renewed, UPLOAD)
    store.add_dataset(NewDataset("clicks", {}))

    assert [one.id for one in Expiry(store).unused_datasets(DAY_S, 0)] == [unused]


def test_a_deleted_data_set_is_purged_once_no_search_names_it(store: SqlStore) -> None:
    """Not before whoever submitted a search at the same time has ended."""
    expiry, deletions, dataset_id = Expiry(store), Deletions(store), dataset(store)
    search = store.cancel(submitted(store, dataset_id).id)
    deletions.dataset("local", dataset_id)
    assert expiry.purge(60.0) == 0
    age(store)
    assert expiry.purge(60.0) == 0
    deletions.search("local", search.id)

    assert expiry.purge(60.0) == 1
    with pytest.raises(UnknownIdError):
        store.dataset(dataset_id)
    assert store.read(sa.select(JOBS.c.id).where(JOBS.c.dataset_id == dataset_id)) == []


def test_what_nobody_added_up_is_found(store: SqlStore) -> None:
    """Finished searches without bytes; one that waits has none yet."""
    done = version(store, dataset_id := dataset(store))
    store.submit(NewJob(SEARCH, "films", dataset_id, {}))
    assert [job.id for job in Expiry(store).unweighed(0)] == [done.job_id]
    store.weigh(done.job_id, 0)

    assert Expiry(store).unweighed(0) == []
