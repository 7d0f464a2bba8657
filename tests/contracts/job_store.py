"""What every `JobStore` must do: the laws of `ihas_service.storage.job_store`, as tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ihas_pipelines.runs.progress import Progress
from ihas_service.errors import ConflictError, KeyReusedError, LostLeaseError, UnknownIdError
from ihas_service.states import STAGE_OF_OLD_STATE, TERMINAL, JobStage, JobState
from ihas_service.storage.catalogue import Dataset, DatasetState, NewDataset, Upload
from ihas_service.storage.job import SEARCH, Job, NewJob
from ihas_service.storage.job_store import JobStore
from tests.clock import Clock

LEASE_S = 30.0
ERROR = {"code": "data", "detail": "The label must be 0 or 1."}


def search(key: str | None = None, body_hash: str | None = None, name: str = "films", tenant: str = "local", priority: int = 0) -> NewJob:
    """A search to submit."""
    return NewJob(SEARCH, name, "ds_1", {"learning": {"seed": 1}}, key, body_hash, tenant, priority)


def progress(stage: str = "searching", fraction: float = 0.5) -> Progress:
    """A line of a child."""
    return Progress.model_validate({"stage": stage, "message": "Epoch 1.", "fraction": fraction, "eta_s": 9.0, "metrics": {"auc": 0.75}})


def claimed(store: JobStore) -> Job:
    """A search in the hands of worker `ada`."""
    store.submit(search())
    return taken(store, "ada")


def taken(store: JobStore, worker: str, max_attempts: int = 3) -> Job:
    """The next job, which must be there."""
    job = store.claim(worker, LEASE_S, max_attempts)
    assert job is not None
    return job


def seen_silent(store: JobStore, clock: Clock) -> None:
    """Let a lease pass in which nobody who holds a job shows a sign of life, and look: the next claim may take what they hold."""
    store.look(LEASE_S)
    for _ in range(2):
        clock.advance(LEASE_S / 2)
        store.look(LEASE_S)


class JobStoreContract:
    """Run by a subclass that gives the fixtures `store` and `clock`, by which the store judges silence."""

    def test_a_job_keeps_what_it_was_submitted_with(self, store: JobStore) -> None:
        """A submitted search is queued, untouched, and read back as it was."""
        job = store.submit(search())

        assert store.job(job.id).settings == {"learning": {"seed": 1}}
        assert (job.state, job.attempt, job.fraction, job.worker) == (JobState.QUEUED, 0, 0.0, None)

    def test_an_unknown_id_is_said_to_be_unknown(self, store: JobStore) -> None:
        """Nothing is found under an id that was never given."""
        with pytest.raises(UnknownIdError, match="no job 'sr_0'"):
            store.job("sr_0")
        with pytest.raises(UnknownIdError, match="no data set 'ds_0'"):
            store.dataset("ds_0")

    def test_the_same_key_and_body_is_the_same_job(self, store: JobStore) -> None:
        """A request that is sent twice queues one job."""
        assert store.submit(search("key", "body")).id == store.submit(search("key", "body")).id
        assert store.counts()[JobState.QUEUED] == 1

    def test_the_same_key_at_the_same_time_is_the_same_job(self, store: JobStore) -> None:
        """Eight equal requests at once queue one job."""
        with ThreadPoolExecutor(8) as pool:
            ids = {job.id for job in pool.map(lambda _: store.submit(search("key", "body")), range(8))}

        assert len(ids) == 1

    def test_the_same_key_with_another_body_is_refused(self, store: JobStore) -> None:
        """A key stands for one request."""
        store.submit(search("key", "body"))

        with pytest.raises(KeyReusedError, match="'key'"):
            store.submit(search("key", "other body"))

    def test_jobs_come_newest_first_and_page_by_number(self, store: JobStore) -> None:
        """Two pages hold all searches once, newest first."""
        ids = [store.submit(search()).id for _ in range(5)]
        first = store.jobs(SEARCH, None, 3)
        second = store.jobs(SEARCH, first[-1].number, 3)

        assert [job.id for job in (*first, *second)] == ids[::-1]

    def test_jobs_are_claimed_in_order_and_checks_first(self, store: JobStore) -> None:
        """A check of a data set does not wait behind searches; searches go by age."""
        searches = [store.submit(search()).id for _ in range(2)]
        check = store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv")).job_id

        assert [taken(store, "ada").id for _ in range(3)] == [check, *searches]
        assert store.claim("ada", LEASE_S, 3) is None

    def test_each_of_200_jobs_is_claimed_once_by_8_threads(self, store: JobStore) -> None:
        """Threads that claim as fast as they can never get the same job, and miss none."""
        ids = [store.submit(search()).id for _ in range(200)]
        got: Counter[str] = Counter()
        lock = threading.Lock()

        def work(worker: int) -> None:
            while job := store.claim(f"worker-{worker}", LEASE_S, 3):
                with lock:
                    got[job.id] += 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert got == Counter(ids)

    def test_a_claim_begins_an_attempt_under_a_higher_token(self, store: JobStore) -> None:
        """The claimed job runs, names its worker, and was heard of just now."""
        job = claimed(store)

        assert (job.state, job.stage, job.attempt, job.token, job.worker) == (JobState.RUNNING, JobStage.READING, 1, 1, "ada")
        assert (job.heartbeat_at, job.heartbeat_age_s) == (job.read_at, 0.0)
        assert store.children() == 1

    def test_progress_shows_in_the_job(self, store: JobStore) -> None:
        """What the child said last is what the job says."""
        job = claimed(store)
        store.record(job.id, job.token, progress())
        seen = store.job(job.id)

        assert (seen.state, seen.stage, seen.fraction) == (JobState.RUNNING, JobStage.SEARCH, 0.5)
        assert (seen.eta_s, seen.message) == (9.0, "Epoch 1.")

    def test_success_registers_the_next_version_of_the_name(self, store: JobStore) -> None:
        """Two searches of one name give versions 1 and 2; another name starts at 1."""
        for name in ("films", "films", "songs"):
            store.submit(search(name=name))
            job = taken(store, "ada")
            version = store.succeed(job.id, job.token, f"searches/{job.id}/bundle")
            assert store.job(job.id).model_version == version.version

        assert [(model.name, model.version) for model in store.models()] == [("films", 2), ("songs", 1)]
        assert [model.version for model in store.versions("films")] == [2, 1]
        assert store.versions("unknown") == []

    def test_versions_that_finish_together_get_different_numbers(self, store: JobStore) -> None:
        """Eight searches of one name that succeed at once become versions 1 to 8."""
        for _ in range(8):
            store.submit(search())
        jobs = [taken(store, "ada") for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            versions = list(pool.map(lambda job: store.succeed(job.id, job.token, job.id).version, jobs))

        assert sorted(versions) == list(range(1, 9))

    def test_a_child_that_dies_is_begun_again_and_fails_in_the_end(self, store: JobStore) -> None:
        """Two attempts are queued again; the third is the last, and says why it failed."""
        store.submit(search())
        states = []
        for _ in range(3):
            job = taken(store, "ada")
            states.append(store.lose_attempt(job.id, job.token, {"code": "crash", "detail": "Signal 9."}, 3).state)

        assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
        assert store.job(job.id).error == {"code": "crash", "detail": "Signal 9."}
        assert store.claim("ada", LEASE_S, 3) is None

    def test_a_released_job_waits_again_and_its_attempt_does_not_count(self, store: JobStore) -> None:
        """A worker that stops gives its job back at once."""
        job = claimed(store)
        store.release(job.id, job.token)

        assert (store.job(job.id).state, store.job(job.id).attempt) == (JobState.QUEUED, 0)
        assert taken(store, "bob").attempt == 1

    def test_a_cancelled_queued_job_is_claimed_by_nobody(self, store: JobStore) -> None:
        """Cancelling before a worker came is the end."""
        job = store.submit(search())

        assert store.cancel(job.id).state is JobState.CANCELLED
        assert store.claim("ada", LEASE_S, 3) is None

    def test_a_cancelled_running_job_is_taken_from_its_worker(self, store: JobStore) -> None:
        """The worker's next write is refused."""
        job = claimed(store)
        store.cancel(job.id)

        assert not store.owns(job.id, job.token)
        with pytest.raises(LostLeaseError):
            store.record(job.id, job.token, progress())

    def test_the_stage_stays_when_a_job_ends_and_goes_when_it_waits_again(self, store: JobStore) -> None:
        """A failed job says what it was doing; resumed, it does nothing."""
        job = claimed(store)
        store.record(job.id, job.token, progress())
        store.fail(job.id, job.token, ERROR)

        assert (store.job(job.id).stage, store.resume(job.id).stage) == (JobStage.SEARCH, None)
        assert [event.stage for event in store.events(job.id, 2, 10)] == [JobStage.SEARCH, JobStage.SEARCH, None]

    def test_only_failed_and_cancelled_jobs_resume(self, store: JobStore) -> None:
        """Queued, running and succeeded jobs stay as they are; a failed one starts with all its attempts."""
        job = claimed(store)
        with pytest.raises(ConflictError, match="running"):
            store.resume(job.id)
        store.fail(job.id, job.token, ERROR)
        again = store.resume(job.id)
        with pytest.raises(ConflictError, match="queued"):
            store.resume(job.id)

        assert (again.state, again.attempt, again.error, again.finished_at) == (JobState.QUEUED, 0, None, None)

    @pytest.mark.parametrize("state", sorted(TERMINAL))
    def test_a_finished_job_never_changes(self, store: JobStore, clock: Clock, state: JobState) -> None:
        """No write of its worker, no cancel and no claim changes it; success not even resume."""
        job = claimed(store)
        finish: dict[JobState, Callable[[], object]] = {
            JobState.SUCCEEDED: lambda: store.succeed(job.id, job.token, "searches/x/bundle"),
            JobState.FAILED: lambda: store.fail(job.id, job.token, ERROR),
            JobState.CANCELLED: lambda: store.cancel(job.id),
        }
        finish[state]()
        before, events = store.job(job.id), store.events(job.id, 0, 100)
        seen_silent(store, clock)
        store.let_go("ada")

        with pytest.raises(LostLeaseError):
            store.record(job.id, job.token, progress())
        with pytest.raises(ConflictError):
            store.cancel(job.id)
        assert store.claim("bob", LEASE_S, 3) is None
        if state is JobState.SUCCEEDED:
            with pytest.raises(ConflictError):
                store.resume(job.id)
        after = store.job(job.id)
        assert (after.state, after.token, after.last_event, after.finished_at) == (
            state,
            before.token,
            before.last_event,
            before.finished_at,
        )
        assert store.events(job.id, 0, 100) == events

    def test_events_tell_the_whole_story_without_gaps(self, store: JobStore) -> None:
        """Numbers run from 1, and states and stages are those that the job went through."""
        job = claimed(store)
        for stage in STAGE_OF_OLD_STATE:
            store.record(job.id, job.token, progress(stage))
        store.succeed(job.id, job.token, "searches/x/bundle")
        events = store.events(job.id, 0, 100)

        assert [event.id for event in events] == list(range(1, 9))
        assert [str(event.state) for event in events] == ["queued", *["running"] * 6, "succeeded"]
        assert [event.stage for event in events] == [None, JobStage.READING, *STAGE_OF_OLD_STATE.values(), JobStage.EVALUATE]
        assert (events[3].metrics, events[3].message, events[-1].fraction) == ({"auc": 0.75}, "Epoch 1.", 1.0)
        assert [event.id for event in store.events(job.id, 5, 2)] == [6, 7]

    def test_events_have_no_gaps_under_contention(self, store: JobStore) -> None:
        """Forty lines from eight threads get the numbers 3 to 42."""
        job = claimed(store)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: store.record(job.id, job.token, progress()), range(40)))

        assert [event.id for event in store.events(job.id, 2, 100)] == list(range(3, 43))

    def test_counts_name_every_state(self, store: JobStore) -> None:
        """States and stages without jobs count 0."""
        claimed(store)
        store.submit(search())

        assert store.counts() == {**dict.fromkeys(JobState, 0), JobState.QUEUED: 1, JobState.RUNNING: 1}
        assert store.stages() == {**dict.fromkeys(JobStage, 0), JobStage.READING: 1}

    def test_an_uploaded_data_set_is_checked_and_becomes_valid(self, store: JobStore) -> None:
        """The upload queues the check; its report and its state come together."""
        dataset, job = uploaded(store)
        store.accept_dataset(job.id, job.token, {"rows": 3})
        seen = store.dataset(dataset.id)

        assert (seen.state, seen.report, seen.size, seen.path) == (DatasetState.VALID, {"rows": 3}, 7, "datasets/x/content.csv")
        assert store.job(job.id).state is JobState.SUCCEEDED

    def test_a_file_named_by_path_gets_its_digest_from_the_check_and_an_upload_keeps_its_own(self, store: JobStore) -> None:
        """What arrived was digested as it came; what was named is digested when it is checked."""
        sent, job = uploaded(store)
        store.accept_dataset(job.id, job.token, {}, "f" * 64)
        named = store.add_dataset(NewDataset("clicks", {}, path="/tables/clicks.csv"))
        check = taken(store, "ada")
        store.accept_dataset(check.id, check.token, {}, "e" * 64)

        assert store.dataset(sent.id).sha256 == "ab" * 32
        assert store.dataset(named.id).sha256 == "e" * 64

    def test_a_valid_data_set_takes_no_other_file(self, store: JobStore) -> None:
        """What a search may have read never changes, and neither does what is being checked."""
        dataset, job = uploaded(store)
        with pytest.raises(ConflictError, match="validating"):
            store.receive_upload(dataset.id, Upload("other", 1, "0"))
        store.accept_dataset(job.id, job.token, {})

        with pytest.raises(ConflictError, match="valid"):
            store.receive_upload(dataset.id, Upload("other", 1, "0"))

    def test_an_invalid_data_set_says_why_and_takes_another_file(self, store: JobStore) -> None:
        """The error and the report stay until another file is checked."""
        dataset, job = uploaded(store)
        store.fail(job.id, job.token, ERROR, {"rows": 0})
        invalid = store.dataset(dataset.id)
        again = store.receive_upload(dataset.id, Upload("other", 1, "0"))

        assert (invalid.state, invalid.error, invalid.report) == (DatasetState.INVALID, ERROR, {"rows": 0})
        assert (again.state, again.error, again.report, again.path) == (DatasetState.VALIDATING, None, None, "other")

    def test_a_data_set_whose_check_keeps_dying_becomes_invalid(self, store: JobStore) -> None:
        """A data set never waits for ever."""
        dataset, job = uploaded(store)
        store.lose_attempt(job.id, job.token, {"code": "crash", "detail": "Signal 9."}, 1)

        assert store.dataset(dataset.id).state is DatasetState.INVALID

    def test_a_data_set_named_by_path_takes_no_upload(self, store: JobStore) -> None:
        """It is checked at once, and its file is not ours to replace."""
        dataset = store.add_dataset(NewDataset("clicks", {"format": "csv"}, path="/data/clicks.csv"))

        assert (dataset.state, dataset.referenced) == (DatasetState.VALIDATING, True)
        with pytest.raises(ConflictError, match="by path"):
            store.receive_upload(dataset.id, Upload("other", 1, "0"))

    def test_data_sets_come_newest_first_and_page_by_number(self, store: JobStore) -> None:
        """Two pages hold all data sets once."""
        ids = [store.add_dataset(NewDataset("clicks", {})).id for _ in range(3)]
        first = store.datasets(None, 2)

        assert [dataset.id for dataset in (*first, *store.datasets(first[-1].number, 2))] == ids[::-1]


def uploaded(store: JobStore) -> tuple[Dataset, Job]:
    """A data set whose file arrived, and its check in the hands of worker `ada`."""
    dataset = store.add_dataset(NewDataset("clicks", {"format": "csv"}))
    assert dataset.state is DatasetState.UPLOADING
    store.receive_upload(dataset.id, Upload("datasets/x/content.csv", 7, "ab" * 32))
    return dataset, taken(store, "ada")
