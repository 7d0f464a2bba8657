"""What is deleted is gone as a whole, what is in use is not deleted, and who deletes meets who begins to use."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ihas_service.errors import ConflictError, KeyReusedError, LostLeaseError, UnknownIdError
from ihas_service.storage.aliases import ANY, CHAMPION, Aliases, AliasRef
from ihas_service.storage.catalogue import ModelVersion, NewBundle, NewDataset, Upload
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.job import ESTIMATE, SEARCH, Job, NewJob
from ihas_service.storage.removals import Removals
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import EVENTS, JOBS
from ihas_service.storage.traffic import Canary, Traffic, TrafficPlan, TrafficPlans

pytestmark = pytest.mark.full


@pytest.fixture
def store(empty_store: SqlStore) -> SqlStore:
    """An empty store, on either database."""
    return empty_store


UPLOAD = Upload("datasets/x/upload-1.csv", 100, "0" * 64)
CHAMPION_OF = AliasRef("local", "films", CHAMPION)


@pytest.fixture
def deletions(store: SqlStore) -> Deletions:
    """Of the store."""
    return Deletions(store)


def dataset(store: SqlStore) -> str:
    """An uploaded data set that was found valid."""
    made = store.receive_upload(store.add_dataset(NewDataset("clicks", {})).id, UPLOAD)
    job = store.claim("check", 60.0, 1)
    assert job is not None
    assert job.id == made.job_id
    store.accept_dataset(job.id, job.token, {"rows": 2})
    return made.id


def submitted(store: SqlStore, dataset_id: str, key: str | None = None) -> Job:
    """A search on it that waits."""
    return store.submit(NewJob(SEARCH, "films", dataset_id, {"learning": {}}, key, "body"))


def version(store: SqlStore, dataset_id: str) -> ModelVersion:
    """The next version of `films`, of 40 bytes."""
    submitted(store, dataset_id)
    job = store.claim("trainer", 60.0, 1)
    assert job is not None
    return store.succeed(job.id, job.token, f"searches/{job.id}/bundle", {"bytes": 40, "chosen": "grouped"})


def paths(store: SqlStore) -> list[str]:
    """Files that are to go."""
    return [one.path for one in Removals(store).after(0, 60.0)]


def test_a_deleted_data_set_is_gone_but_for_what_was_trained_on_it(store: SqlStore, deletions: Deletions) -> None:
    """It is in no list and takes no search; its file is on the list of those that go; a version's job still finds its name and digest."""
    made = version(store, dataset_id := dataset(store))
    gone = deletions.dataset("local", dataset_id)

    assert (gone.bytes, gone.paths, paths(store)) == (100, (f"datasets/{dataset_id}",), [f"datasets/{dataset_id}"])
    assert store.datasets(None, 10) == []
    assert store.dataset(store.job(made.job_id).dataset_id).sha256 == UPLOAD.sha256
    with pytest.raises(ConflictError, match="was deleted"):
        submitted(store, dataset_id)
    with pytest.raises(UnknownIdError):
        store.receive_upload(dataset_id, UPLOAD)
    with pytest.raises(UnknownIdError, match="no data set"):
        deletions.dataset("local", dataset_id)


def test_a_data_set_in_use_names_its_users(store: SqlStore, deletions: Deletions) -> None:
    """A search that waits, and one that runs; a finished or cancelled one is none."""
    dataset_id = dataset(store)
    running, waiting = submitted(store, dataset_id), submitted(store, dataset_id)
    assert store.claim("ada", 60.0, 3) is not None
    with pytest.raises(ConflictError) as refused:
        deletions.dataset("local", dataset_id)
    assert all(said in str(refused.value) for said in (f"search {running.id} (running)", f"search {waiting.id} (queued)"))
    for one in (running, waiting):
        store.cancel(one.id)

    assert deletions.dataset("local", dataset_id).bytes == 100
    with pytest.raises(ConflictError, match="was deleted"):
        store.resume(waiting.id)


def test_a_check_under_way_is_cancelled_and_its_worker_told(store: SqlStore, deletions: Deletions) -> None:
    """Whoever checks the file may write no more."""
    made = store.receive_upload(store.add_dataset(NewDataset("clicks", {})).id, UPLOAD)
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    deletions.dataset("local", made.id)

    assert store.job(job.id).finished
    with pytest.raises(LostLeaseError):
        store.accept_dataset(job.id, job.token, {})
    store.let_go("ada")


def test_finished_estimates_go_with_their_data_set(store: SqlStore, deletions: Deletions) -> None:
    """With their folders; one that waits is a use."""
    estimate = store.submit(NewJob(ESTIMATE, "estimate", dataset_id := dataset(store), {}))
    with pytest.raises(ConflictError, match=f"estimate {estimate.id} \\(queued\\)"):
        deletions.dataset("local", dataset_id)
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    store.finish(job.id, job.token, "Ready.")
    store.weigh(job.id, 7)

    assert deletions.dataset("local", dataset_id).bytes == 107
    assert paths(store) == [f"datasets/{dataset_id}", f"estimates/{estimate.id}"]
    with pytest.raises(UnknownIdError):
        store.job(estimate.id)


def test_a_deleted_search_leaves_no_row(store: SqlStore, deletions: Deletions) -> None:
    """Nor an event, and its idempotency key stands for a new search."""
    first = submitted(store, dataset_id := dataset(store), "key")
    with pytest.raises(ConflictError, match=f"{first.id} is queued. Cancel it first"):
        deletions.search("local", first.id)
    store.cancel(first.id)
    store.weigh(first.id, 30)
    gone = deletions.search("local", first.id)
    left = store.read(sa.select(EVENTS.c.id).where(EVENTS.c.job_id == first.id)) + store.read(
        sa.select(JOBS.c.id).where(JOBS.c.id == first.id)
    )

    assert (gone.bytes, gone.paths, left) == (30, (f"searches/{first.id}",), [])
    assert submitted(store, dataset_id, "key").id != first.id
    with pytest.raises(KeyReusedError):
        store.submit(NewJob(SEARCH, "films", dataset_id, {}, "key", "another"))
    with pytest.raises(UnknownIdError, match="no search"):
        deletions.search("local", first.id)


def test_a_worker_whose_search_was_deleted_has_lost_it(store: SqlStore, deletions: Deletions) -> None:
    """It was cancelled, and is gone before its worker looks; that worker goes on with other work."""
    submitted(store, dataset(store))
    job = store.claim("ada", 60.0, 3)
    assert job is not None
    store.cancel(job.id)
    deletions.search("local", job.id)

    assert not store.owns(job.id, job.token)
    for write in (lambda: store.finish(job.id, job.token, ""), lambda: store.renew(job.id, job.token)):
        with pytest.raises(LostLeaseError):
            write()
    store.weigh(job.id, 9)
    store.let_go("ada")


def test_a_search_whose_bundle_is_a_version_names_it(store: SqlStore, deletions: Deletions) -> None:
    """Once the version is gone, the search may go."""
    first, second = (version(store, dataset(store)) for _ in range(2))
    with pytest.raises(ConflictError, match="version 1 of model 'films'.*DELETE /v1/models/films/versions/1"):
        deletions.search("local", first.job_id)
    gone = deletions.version("local", "films", 1)

    assert (gone.bytes, gone.paths, gone.job_ids) == (40, (first.path,), (first.job_id,))
    assert [one.version for one in store.versions("films")] == [second.version]
    assert deletions.search("local", first.job_id).paths == (f"searches/{first.job_id}",)


def test_a_version_in_use_says_by_what(store: SqlStore, deletions: Deletions) -> None:
    """The newest while none was promoted, a champion, a canary, a shadow, an alias, and what answers in the process that is asked."""
    for _ in range(6):
        version(store, dataset(store))
    with pytest.raises(ConflictError, match="it is the newest, and answers because none was promoted"):
        deletions.version("local", "films", 6)
    aliases, plans = Aliases(store), TrafficPlans(store)
    aliases.put(CHAMPION_OF, 1, ANY)
    aliases.put(AliasRef("local", "films", "staging"), 4, ANY)
    plans.put(Traffic("local", "films", 0, TrafficPlan(canary=Canary(version=2, percent=5), shadows=(3,)), "", 0.0), ANY)
    for number, why in ((1, "champion"), (2, "canary"), (3, "shadow"), (4, "alias 'staging'")):
        with pytest.raises(ConflictError, match=f"Version {number} of model 'films' is in use: it .*{why}"):
            deletions.version("local", "films", number)
    with pytest.raises(ConflictError, match="it answers"):
        deletions.version("local", "films", 5, answering=5)

    assert deletions.version("local", "films", 5, answering=1).bytes == 40
    assert deletions.version("local", "films", 6).bytes == 40
    for absent in (5, 9):
        with pytest.raises(UnknownIdError, match=f"no version {absent}"):
            deletions.version("local", "films", absent)


def test_a_number_is_given_once(store: SqlStore, deletions: Deletions) -> None:
    """Also after the newest version, and after the whole model, was deleted."""
    for _ in range(2):
        version(store, dataset(store))
    Aliases(store).put(CHAMPION_OF, 1, ANY)
    deletions.version("local", "films", 2)
    assert version(store, dataset(store)).version == 3
    deletions.model("local", "films", force=True)

    assert version(store, dataset(store)).version == 4
    assert [one.version for one in store.versions("films")] == [4]


def test_nothing_points_at_a_deleted_version(store: SqlStore, deletions: Deletions) -> None:
    """A promotion and a plan are refused, and a rollback passes it over."""
    for _ in range(3):
        version(store, dataset(store))
    aliases = Aliases(store)
    for number in (1, 2, 3):
        aliases.put(CHAMPION_OF, number, ANY)
    deletions.version("local", "films", 2)

    with pytest.raises(ConflictError, match="Version 2 of model 'films' was deleted"):
        aliases.put(CHAMPION_OF, 2, ANY)
    with pytest.raises(ConflictError, match="Version 2 of model 'films' was deleted"):
        TrafficPlans(store).put(Traffic("local", "films", 0, TrafficPlan(shadows=(2,)), "", 0.0), ANY)
    assert aliases.roll_back(CHAMPION_OF, ANY).version == 1


def test_a_model_in_use_needs_force(store: SqlStore, deletions: Deletions) -> None:
    """Promoted, with a canary, with a search that makes its next version: all are named; forced, aliases and traffic go too."""
    for _ in range(2):
        version(store, dataset(store))
    Aliases(store).put(CHAMPION_OF, 1, ANY)
    TrafficPlans(store).put(Traffic("local", "films", 0, TrafficPlan(canary=Canary(version=2, percent=5)), "", 0.0), ANY)
    coming = submitted(store, dataset(store))
    with pytest.raises(ConflictError) as refused:
        deletions.model("local", "films")
    gone = deletions.model("local", "films", force=True)

    said = str(refused.value)
    assert all(word in said for word in ("version 1 is the champion", "version 2 is the canary", f"search {coming.id} (queued)", "force"))
    assert (gone.bytes, len(gone.paths)) == (80, 2)
    assert (list(store.versions("films")), list(Aliases(store).of_model("local", "films"))) == ([], [])
    assert (TrafficPlans(store).get("local", "films").revision, Aliases(store).history(CHAMPION_OF, None, 9)) == (0, [])
    with pytest.raises(UnknownIdError, match="no model 'films'"):
        deletions.model("local", "films", force=True)


def test_a_model_nobody_promoted_is_deleted_without_force(store: SqlStore, deletions: Deletions) -> None:
    """Promotion is what says that it is in use."""
    version(store, dataset(store))

    assert deletions.model("local", "films").bytes == 40


def test_a_derived_version_goes_with_its_folder(store: SqlStore, deletions: Deletions) -> None:
    """Its bundle lies in a folder of its own."""
    base = version(store, dataset(store))
    store.register(base, "walks", NewBundle("derived/dv_1/bundle", {"bytes": 5}), "Added.")

    assert deletions.model("local", "walks").paths == ("derived/dv_1",)
    assert [one.version for one in store.versions("films")] == [1]


@pytest.mark.parametrize("what", ["dataset", "search", "version", "model"])
def test_another_tenant_deletes_nothing(store: SqlStore, deletions: Deletions, what: str) -> None:
    """What is not its own does not exist, and stays."""
    made = version(store, dataset_id := dataset(store))
    asked: dict[str, Callable[[], object]] = {
        "dataset": lambda: deletions.dataset("acme", dataset_id),
        "search": lambda: deletions.search("acme", made.job_id),
        "version": lambda: deletions.version("acme", "films", 1),
        "model": lambda: deletions.model("acme", "films", force=True),
    }
    with pytest.raises(UnknownIdError):
        asked[what]()

    assert (len(store.versions("films")), len(store.datasets(None, 9)), paths(store)) == (1, 1, [])


def race(first: Callable[[], object], second: Callable[[], object]) -> list[object]:
    """What two that begin at once end with: an error, or None."""

    def attempt(work: Callable[[], object]) -> object:
        try:
            work()
        except (ConflictError, UnknownIdError) as error:
            return error
        return None

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(attempt, (first, second)))


def test_of_a_deletion_and_a_use_at_once_one_wins(store: SqlStore, deletions: Deletions) -> None:
    """Thirty times: a data set and a search on it; a version and its promotion. Never both, never neither."""
    aliases, number = Aliases(store), version(store, dataset(store)).version
    aliases.put(CHAMPION_OF, number, ANY)
    for _ in range(30):
        dataset_id, made = dataset(store), version(store, dataset(store))
        data = race(lambda one=dataset_id: deletions.dataset("local", one), lambda one=dataset_id: submitted(store, one))  # type: ignore[misc]
        released = race(
            lambda one=made: deletions.version("local", "films", one.version),  # type: ignore[misc]
            lambda one=made: aliases.put(CHAMPION_OF, one.version, ANY),  # type: ignore[misc]
        )
        assert [data.count(None), released.count(None)] == [1, 1]
        for job in store.jobs(SEARCH, None, 5):
            if not job.finished:
                store.cancel(job.id)
        assert aliases.get(CHAMPION_OF).version in {one.version for one in store.versions("films")}


def test_of_many_deletions_one_is_made(store: SqlStore, deletions: Deletions) -> None:
    """Eight at once: one says what went, seven that there is nothing."""
    dataset_id = dataset(store)

    def delete(_: int) -> bool:
        try:
            return bool(deletions.dataset("local", dataset_id).bytes)
        except UnknownIdError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(delete, range(8))) == 1
    assert paths(store) == [f"datasets/{dataset_id}"]


def test_emptying_is_for_searches_that_succeeded(store: SqlStore, deletions: Deletions) -> None:
    """One that may be resumed keeps its stages."""
    made = version(store, dataset_id := dataset(store))
    waiting = submitted(store, dataset_id)
    with pytest.raises(ConflictError, match="is queued"):
        deletions.empty(waiting.id)

    assert deletions.empty(made.job_id).paths == (f"searches/{made.job_id}/stages",)
    assert store.job(made.job_id).emptied


@pytest.mark.parametrize("whole", [False, True])
def test_the_verdict_on_a_bundle_goes_with_its_last_version(store: SqlStore, deletions: Deletions, whole: bool) -> None:
    """It is kept by the digest of the manifest, which two versions may share; what is no digest is no path."""
    held = dataset(store)
    shared, own = "a" * 64, "b" * 64
    for digest in (shared, own, "../../x", shared):
        submitted(store, held)
        job = store.claim("trainer", 60.0, 1)
        assert job is not None
        store.succeed(job.id, job.token, f"searches/{job.id}/bundle", {"bytes": 40, "manifest_sha256": digest})

    if whole:
        deletions.model("local", "films")
        assert {path for path in paths(store) if "searches" not in path} == {f"tried/{shared}", f"tried/{own}"}
        return
    for number in (1, 2, 3):
        deletions.version("local", "films", number)
    assert {path for path in paths(store) if "searches" not in path} == {f"tried/{own}"}
