"""A tenant keeps no more bytes than it may, also where several add at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ihas_service.errors import QuotaError
from ihas_service.storage import quotas
from ihas_service.storage.catalogue import NewBundle, NewDataset, Upload
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.removals import Removals
from ihas_service.storage.sql_store import SqlStore
from tests.service.storage.test_deletions import dataset, version

pytestmark = pytest.mark.full


@pytest.fixture
def store(empty_store: SqlStore) -> SqlStore:
    """An empty store, on either database."""
    return empty_store


def upload(size: int) -> Upload:
    """A file of so many bytes."""
    return Upload(f"datasets/x/upload-{size}.csv", size, "0" * 64)


def test_a_refusal_says_what_is_used_the_limit_and_the_way_out() -> None:
    """All bytes up to the limit are taken, and none beyond."""
    room = quotas.Room(quotas.DATASET_WORDS, 90, 100)
    room.check(10)
    with pytest.raises(QuotaError) as refused:
        room.check(11)

    said = str(refused.value)
    assert all(word in said for word in ("90 bytes", "of the 100 of IHAS_MAX_DATASET_BYTES_PER_TENANT", "11 more", "ihas dataset rm"))
    quotas.Room(quotas.DATASET_WORDS, 90, 0).check(10**18)


def test_of_many_uploads_at_once_those_are_taken_that_fit(store: SqlStore) -> None:
    """Ten files of 30 bytes, of which 100 bytes hold three; another tenant has a hundred of its own."""
    made = [store.add_dataset(NewDataset("clicks", {})).id for _ in range(10)]

    def send(dataset_id: str) -> bool:
        try:
            return store.receive_upload(dataset_id, upload(30), 100).size == 30
        except QuotaError:
            return False

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(send, made)) == 3
    assert store.dataset_room("local", 100).used == 90
    theirs = store.add_dataset(NewDataset("clicks", {}, tenant="acme"))
    assert store.receive_upload(theirs.id, upload(100), 100).size == 100


def test_what_is_refused_leaves_the_data_set_as_it_was(store: SqlStore) -> None:
    """It takes a smaller file; deleting another data set makes room."""
    first, second = (store.add_dataset(NewDataset("clicks", {})).id for _ in range(2))
    store.receive_upload(first, upload(80), 100)
    with pytest.raises(QuotaError):
        store.receive_upload(second, upload(21), 100)
    with pytest.raises(QuotaError):
        store.add_dataset(NewDataset("clicks", {}, upload=upload(21)), 100)
    assert (store.dataset(second).state, store.dataset(second).size) == ("uploading", None)
    Deletions(store).dataset("local", first)

    assert store.receive_upload(second, upload(100), 100).size == 100


def test_a_file_that_is_replaced_counts_no_more_and_goes(store: SqlStore) -> None:
    """A bad file of 80 bytes makes room for one of 100."""
    made = store.add_dataset(NewDataset("clicks", {})).id
    store.receive_upload(made, upload(80), 100)
    job = store.claim("check", 60.0, 1)
    assert job is not None
    store.fail(job.id, job.token, {"code": "data", "detail": "No clicks."})

    assert store.dataset_room("local", 100, made).used == 0
    assert store.receive_upload(made, upload(100), 100).size == 100
    assert [one.path for one in Removals(store).after(0, 60.0)] == [upload(80).path]


def test_searches_are_refused_once_the_quota_is_used_up(store: SqlStore) -> None:
    """The bundle counts once, as the version's; an equal request with its key is answered all the same."""
    made = version(store, dataset_id := dataset(store))
    store.weigh(made.job_id, 100)
    assert store.job(made.job_id).bytes == 60
    key = NewJob(SEARCH, "films", dataset_id, {}, "key", "body")
    first = store.submit(key, 0, 101)
    with pytest.raises(QuotaError, match="take 100 bytes of the 100 of IHAS_MAX_SEARCH_BYTES_PER_TENANT.*ihas model rm"):
        store.submit(NewJob(SEARCH, "films", dataset_id, {}), 0, 100)

    assert store.submit(key, 0, 100).id == first.id
    assert store.submit(NewJob(SEARCH, "films", dataset_id, {}, tenant="acme"), 0, 100).tenant == "acme"


def test_of_many_derived_versions_at_once_those_are_kept_that_fit(store: SqlStore) -> None:
    """40 bytes are taken; of six more of 20 bytes, 100 bytes hold three."""
    base = version(store, dataset(store))

    def add(number: int) -> bool:
        try:
            return store.register(base, "walks", NewBundle(f"derived/dv_{number}/bundle", {"bytes": 20}), "", None, 100).version > 0
        except QuotaError:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(add, range(6))) == 3
    assert sorted(one.version for one in store.versions("walks")) == [1, 2, 3]
