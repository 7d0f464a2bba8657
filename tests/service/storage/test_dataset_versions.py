"""Versions of data sets: immutable, one after the other, and nothing of a refused one is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ihas.folders import joined_digest
from ihas_service.errors import ConflictError, KeyReusedError, QuotaError, UnknownIdError
from ihas_service.storage.catalogue import Dataset, DatasetState, DatasetVersion, NewBundle, NewDataset, NewVersion, Upload
from ihas_service.storage.database import VERSION, bring_up_to_date
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.expiry import Expiry
from ihas_service.storage.job import SEARCH, Job, NewJob
from ihas_service.storage.removals import Removals
from ihas_service.storage.sql_store import SqlStore
from tests.service.storage.rewinding import drop_0009, drop_0010, drop_0011, drop_0012
from tests.service.storage.test_deletions import dataset

pytestmark = pytest.mark.full


@pytest.fixture
def store(empty_store: SqlStore) -> SqlStore:
    """An empty store, on either database."""
    return empty_store


@pytest.fixture
def deletions(store: SqlStore) -> Deletions:
    """Of the store."""
    return Deletions(store)


def upload(digit: int, size: int = 10) -> Upload:
    """A file."""
    return Upload(f"datasets/x/upload-{digit}.csv", size, f"{digit:064x}")


def append(store: SqlStore, dataset_id: str, digit: int, key: str | None = None, max_bytes: int = 0) -> DatasetVersion:
    """A version that is being checked."""
    return store.append(NewVersion(dataset_id, upload(digit), "nightly", key), max_bytes)


def check(store: SqlStore) -> Job:
    """The check that waits."""
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    return job


def appended(store: SqlStore, dataset_id: str, digit: int, rows: int = 5) -> int:
    """Number of a version that was found valid."""
    version = append(store, dataset_id, digit)
    job = check(store)
    assert job.id == version.job_id
    store.accept_dataset(job.id, job.token, {"rows": rows})
    return version.version


def refused(store: SqlStore, dataset_id: str, digit: int) -> int:
    """Number of a version that was found invalid."""
    version = append(store, dataset_id, digit)
    job = check(store)
    store.fail(job.id, job.token, {"code": "data", "detail": "The click rate doubled."}, {"rows": 9, "columns": {}})
    return version.version


def paths(store: SqlStore) -> list[str]:
    """Files that are to go."""
    return [one.path for one in Removals(store).after(0, 60.0)]


def shown(found: Dataset) -> tuple[int, str, int | None, tuple[str, ...]]:
    """What tells versions apart."""
    return found.version, found.state, found.size, found.appended


def test_the_newest_valid_version_is_in_use(store: SqlStore) -> None:
    """While a version is checked, and where it was refused, the one before stays; every version has the files of those before it."""
    dataset_id = dataset(store)
    checked = append(store, dataset_id, 2)
    while_checking = store.dataset(dataset_id)
    job = check(store)
    store.accept_dataset(job.id, job.token, {"rows": 5})
    third = refused(store, dataset_id, 3)
    fourth = appended(store, dataset_id, 4)

    assert (checked.version, checked.state, checked.parent, third, fourth) == (2, DatasetState.VALIDATING, 1, 3, 4)
    assert shown(while_checking) == (1, "valid", 100, ())
    assert shown(store.dataset(dataset_id)) == (4, "valid", 120, (upload(2).path, upload(4).path))
    assert shown(store.dataset(dataset_id, 2)) == (2, "valid", 110, (upload(2).path,))
    assert shown(store.dataset(dataset_id, 1)) == (1, "valid", 100, ())
    with pytest.raises(UnknownIdError, match="no version 5"):
        store.dataset(dataset_id, 5)


def test_lineage_is_kept(store: SqlStore) -> None:
    """Parent, digests, rows, who; the digest of a table in several files is that of their digests."""
    dataset_id = dataset(store)
    appended(store, dataset_id, 2)
    refused(store, dataset_id, 3)
    appended(store, dataset_id, 4, rows=7)
    fourth, third, second, first = store.dataset_versions(dataset_id, None, 50)
    digests = ["0" * 64, f"{2:064x}", f"{4:064x}"]

    assert [one.parent for one in (fourth, third, second, first)] == [2, 2, 1, None]
    assert [one.rows for one in (fourth, third, second, first)] == [7, None, 5, 2]
    assert (fourth.file_sha256, fourth.sha256, fourth.actor) == (digests[2], joined_digest(digests), "nightly")
    assert (first.sha256, first.actor) == (digests[0], None)
    assert store.dataset(dataset_id).sha256 == joined_digest(digests)
    assert (third.state, third.error) == (DatasetState.INVALID, {"code": "data", "detail": "The click rate doubled."})
    assert [one.version for one in store.dataset_versions(dataset_id, 3, 1)] == [2]
    assert [one.version for one in store.dataset_versions(dataset_id, 2, 5)] == [1]
    assert [(one.version, one.size, one.sha256) for one in store.datasets(None, 5)] == [(4, 120, joined_digest(digests))]


def test_a_refused_version_leaves_its_report_and_no_file(store: SqlStore) -> None:
    """The bytes no longer count."""
    dataset_id = dataset(store)
    version = refused(store, dataset_id, 2)

    assert store.dataset(dataset_id, version).report == {"rows": 9, "columns": {}}
    assert paths(store) == [upload(2).path]
    assert store.dataset_room("local", 0).used == 100
    assert store.dataset_files(dataset_id) == {"datasets/x/upload-1.csv"}


def test_rows_are_appended_to_what_is_valid_and_not_being_checked(store: SqlStore, deletions: Deletions) -> None:
    """Otherwise 409 says why, before a byte and after the last one."""
    waiting = store.add_dataset(NewDataset("clicks", {})).id
    with pytest.raises(ConflictError, match="is uploading"):
        append(store, waiting, 2)
    dataset_id = dataset(store)
    append(store, dataset_id, 2)
    with pytest.raises(ConflictError, match="Version 2 of .* is being checked"):
        append(store, dataset_id, 3)
    with pytest.raises(ConflictError, match="is being checked"):
        store.check_takes_rows(dataset_id)
    deletions.dataset("local", dataset_id)
    with pytest.raises(UnknownIdError):
        append(store, dataset_id, 3)


def test_the_same_key_and_file_is_the_same_version(store: SqlStore) -> None:
    """Also once it is valid; the file that came again goes, and the key with another file is refused."""
    dataset_id = dataset(store)
    first = append(store, dataset_id, 2, "key")
    store.check_takes_rows(dataset_id, "key")
    again = store.append(NewVersion(dataset_id, Upload("datasets/x/upload-again.csv", 10, upload(2).sha256), "nightly", "key"))
    job = check(store)
    store.accept_dataset(job.id, job.token, {"rows": 5})

    assert (again.version, again.job_id) == (first.version, first.job_id)
    assert append(store, dataset_id, 2, "key").state is DatasetState.VALID
    assert "datasets/x/upload-again.csv" in paths(store)
    with pytest.raises(KeyReusedError):
        append(store, dataset_id, 3, "key")
    other = dataset(store)
    with pytest.raises(KeyReusedError):
        append(store, other, 2, "key")


def test_of_many_appends_at_once_one_is_taken(store: SqlStore) -> None:
    """Eight at the same time: one version; eight with one key: one version too."""
    dataset_id, other = dataset(store), dataset(store)

    def send(digit: int) -> bool:
        try:
            return append(store, dataset_id, digit).version == 2
        except ConflictError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(2, 10))) == 1
        assert {append(store, other, 2, "key").version for _ in range(1)} == {2}
        assert set(pool.map(lambda _: append(store, other, 2, "key").version, range(8))) == {2}


def test_appends_keep_to_the_quota(store: SqlStore) -> None:
    """100 bytes of a file and ten of an append; another ten do not fit into 115."""
    dataset_id = dataset(store)
    append(store, dataset_id, 2, max_bytes=115)
    job = check(store)
    store.accept_dataset(job.id, job.token, {"rows": 5})

    assert store.dataset_room("local", 115).used == 110
    with pytest.raises(QuotaError, match="110 bytes of the 115"):
        append(store, dataset_id, 3, max_bytes=115)


def test_a_search_stays_on_its_version(store: SqlStore) -> None:
    """It and what is derived of its model name the version it was submitted on; a version that is not valid takes no search."""
    dataset_id = dataset(store)
    appended(store, dataset_id, 2)
    job = store.submit(NewJob(SEARCH, "films", dataset_id, {"learning": {}}, dataset_version=2))
    checking = append(store, dataset_id, 3).version
    with pytest.raises(ConflictError, match="no valid version 3"):
        store.submit(NewJob(SEARCH, "films", dataset_id, {}, dataset_version=checking))
    first_check = check(store)
    store.accept_dataset(first_check.id, first_check.token, {"rows": 9})
    trained = check(store)
    version = store.succeed(trained.id, trained.token, f"searches/{job.id}/bundle")
    derived = store.register(version, "films", NewBundle("derived/mv_1/bundle", {}), "Chosen.")

    assert (trained.id, trained.data_version) == (job.id, 2)
    assert store.job(derived.job_id).data_version == 2
    assert store.dataset(dataset_id).version == 3


def test_the_newest_version_is_deleted_and_the_one_before_is_in_use_again(store: SqlStore, deletions: Deletions) -> None:
    """Its file goes, its number is not given again, and a search that was made of it still finds its digest."""
    dataset_id = dataset(store)
    appended(store, dataset_id, 2)
    third = appended(store, dataset_id, 3)
    digest = store.dataset(dataset_id, third).sha256
    job = store.submit(NewJob(SEARCH, "films", dataset_id, {}, dataset_version=third))
    with pytest.raises(ConflictError, match=f"in use by search {job.id} \\(queued\\)"):
        deletions.dataset_version("local", dataset_id, third)
    with pytest.raises(ConflictError, match="in use by version 3, which hold its rows"):
        deletions.dataset_version("local", dataset_id, 2)
    store.cancel(job.id)
    gone = deletions.dataset_version("local", dataset_id, third)

    assert (gone.bytes, gone.paths) == (10, (upload(3).path,))
    assert store.dataset(dataset_id).version == 2
    assert store.dataset(dataset_id, third).sha256 == digest
    assert [one.version for one in store.dataset_versions(dataset_id, None, 9)] == [2, 1]
    assert store.dataset_room("local", 0).used == 110
    with pytest.raises(ConflictError, match="no valid version 3"):
        store.resume(job.id)
    with pytest.raises(UnknownIdError, match="no version 3"):
        deletions.dataset_version("local", dataset_id, third)
    assert appended(store, dataset_id, 5) == 4


def test_only_a_tenants_own_later_versions_are_deleted(store: SqlStore, deletions: Deletions) -> None:
    """Not the first one, none of another tenant, none that does not exist."""
    dataset_id = dataset(store)
    appended(store, dataset_id, 2)

    with pytest.raises(ConflictError, match="Delete the data set"):
        deletions.dataset_version("local", dataset_id, 1)
    with pytest.raises(UnknownIdError, match="no data set"):
        deletions.dataset_version("acme", dataset_id, 2)
    with pytest.raises(UnknownIdError, match="no version 9"):
        deletions.dataset_version("local", dataset_id, 9)


def test_a_version_under_check_is_deleted_with_its_check(store: SqlStore, deletions: Deletions) -> None:
    """The check is cancelled, and rows may be appended again; a refused version is deleted too."""
    dataset_id = dataset(store)
    version = append(store, dataset_id, 2)
    job = check(store)
    deletions.dataset_version("local", dataset_id, version.version)

    assert store.job(job.id).finished
    store.let_go("ada")
    assert deletions.dataset_version("local", dataset_id, refused(store, dataset_id, 3)).bytes == 0
    assert appended(store, dataset_id, 4) == 4
    assert store.dataset(dataset_id).appended == (upload(4).path,)


def test_a_data_set_goes_with_all_its_versions(store: SqlStore, deletions: Deletions) -> None:
    """Their bytes, and the check of the last one; a search on an old version is a use; once nobody names it, no row is left."""
    dataset_id = dataset(store)
    appended(store, dataset_id, 2)
    search = store.submit(NewJob(SEARCH, "films", dataset_id, {}, dataset_version=2))
    version = append(store, dataset_id, 3)
    with pytest.raises(ConflictError, match=search.id):
        deletions.dataset("local", dataset_id)
    store.cancel(search.id)
    gone = deletions.dataset("local", dataset_id)

    assert (gone.bytes, gone.paths) == (120, (f"datasets/{dataset_id}",))
    assert store.job(str(version.job_id)).finished
    assert store.dataset(dataset_id, 2).deleted_at is not None
    assert store.dataset_room("local", 0).used == 0
    assert store.dataset_files(dataset_id) == frozenset()
    assert Expiry(store).purge(-1.0) == 0
    deletions.search("local", search.id)
    assert Expiry(store).purge(-1.0) == 1
    with pytest.raises(UnknownIdError):
        store.dataset(dataset_id)
    assert store.dataset_files(dataset_id) == frozenset()


def test_limits_are_kept(store: SqlStore) -> None:
    """Those of the creation, until others are set."""
    dataset_id = store.add_dataset(NewDataset("clicks", {}, limits={"drift": 0.5})).id
    first = store.dataset(dataset_id).limits
    store.limit_growth(dataset_id, {})

    assert (first, store.dataset(dataset_id).limits) == ({"drift": 0.5}, {})


def test_a_database_of_before_is_brought_up_to_date(store: SqlStore) -> None:
    """Form 0008: its data set is its own first version, its search reads that, and rows are appended to it."""
    dataset_id = dataset(store)
    job = store.submit(NewJob(SEARCH, "films", dataset_id, {"learning": {}}))

    def back(connection: sa.Connection) -> None:
        drop_0012(connection)
        drop_0011(connection)
        drop_0010(connection)
        drop_0009(connection)
        connection.execute(VERSION.update().values(version_num="0008"))

    store.write(back)
    bring_up_to_date(store._engine.url.render_as_string(hide_password=False))
    job_before, (first,) = check(store), store.dataset_versions(dataset_id, None, 9)
    store.cancel(job_before.id)
    version = appended(store, dataset_id, 2)

    assert (job_before.id, job_before.data_version, job_before.settings) == (job.id, 1, {"learning": {}})
    assert (first.version, first.rows, first.sha256) == (1, 2, "0" * 64)
    assert (version, store.dataset(dataset_id).limits) == (2, None)
