"""Laws of who holds a job and for how long, for every implementation of `ihas_service.storage.job_store`."""

from __future__ import annotations

import pytest

from ihas_service.errors import LostLeaseError
from ihas_service.states import JobState
from ihas_service.storage.job_store import JobStore
from tests.clock import Clock
from tests.contracts.job_store import ERROR, LEASE_S, claimed, progress, search, seen_silent, taken


class LeaseStoreContract:
    """Run by a subclass that gives the fixtures `store` and `clock`, by which the store judges silence."""

    def test_a_job_whose_holder_is_silent_for_a_lease_is_taken_by_the_next_worker(self, store: JobStore, clock: Clock) -> None:
        """Not a moment before; the second worker gets the job by asking, as another attempt under a higher token."""
        job = claimed(store)
        for _ in range(4):
            assert store.claim("bob", LEASE_S, 3) is None
            clock.advance(LEASE_S / 4)
        again = taken(store, "bob")

        assert (again.id, again.attempt, again.worker) == (job.id, 2, "bob")
        assert again.token > job.token

    def test_a_heartbeat_starts_the_silence_anew(self, store: JobStore, clock: Clock) -> None:
        """A worker that shows a sign of life three quarters of a lease apart keeps its job for ever."""
        job = claimed(store)
        for _ in range(20):
            for _ in range(3):
                assert store.claim("bob", LEASE_S, 3) is None
                clock.advance(LEASE_S / 4)
            store.renew(job.id, job.token)

        assert store.owns(job.id, job.token)

    def test_a_heartbeat_that_comes_late_holds_while_nobody_took_the_job(self, store: JobStore, clock: Clock) -> None:
        """After a silence of many leases, a sign of life between the last look and the claim is enough."""
        job = claimed(store)
        for _ in range(10):
            seen_silent(store, clock)
        store.renew(job.id, job.token)

        assert store.claim("bob", LEASE_S, 3) is None
        store.record(job.id, job.token, progress())

    def test_who_could_not_look_has_seen_no_silence(self, store: JobStore, clock: Clock) -> None:
        """A machine that was held up for a day finds a holder that was too, and waits for its sign; only what is seen counts."""
        job = claimed(store)
        store.look(LEASE_S)
        clock.advance(86_400.0)
        assert store.claim("bob", LEASE_S, 3) is None
        store.renew(job.id, job.token)
        clock.advance(86_400.0)

        assert store.claim("bob", LEASE_S, 3) is None
        clock.advance(86_400.0)
        assert store.claim("bob", LEASE_S, 3) is None
        clock.advance(86_400.0)
        assert taken(store, "bob").id == job.id

    def test_a_lease_lost_by_a_live_worker_costs_no_attempt(self, store: JobStore, clock: Clock) -> None:
        """Ten workers that seem lost, one after the other, and are then heard of: the job is in its first attempt still."""
        job = claimed(store)
        for number in range(10):
            holder = store.job(job.id).worker or ""
            seen_silent(store, clock)
            assert taken(store, f"worker-{number}").attempt == 2
            store.let_go(holder)
            assert (store.job(job.id).attempt, store.job(job.id).worker) == (1, f"worker-{number}")

        last = store.job(job.id)
        assert store.lose_attempt(last.id, last.token, ERROR, 2).state is JobState.QUEUED
        assert [event.id for event in store.events(job.id, 0, 100)] == list(range(1, store.job(job.id).last_event + 1))

    def test_a_lost_worker_costs_none_of_the_attempts_that_children_have(self, store: JobStore, clock: Clock) -> None:
        """Two children that died and two workers that were lost, of three each: the job goes on; the third child's death is the end."""
        job = claimed(store)
        for name in ("bob", "eve"):
            seen_silent(store, clock)
            job = taken(store, name)
        states = []
        for _ in range(3):
            states.append(store.lose_attempt(job.id, job.token, ERROR, 3).state)
            job = store.claim("eve", LEASE_S, 3) or job

        assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
        assert (job.attempt, store.job(job.id).error) == (5, ERROR)

    def test_a_worker_that_lost_touch_gives_its_job_back(self, store: JobStore) -> None:
        """It may not even know which; the job waits at once, the attempt does not count, and nothing else of anybody changes."""
        job, other = claimed(store), claimed(store)
        third = store.submit(search())
        assert taken(store, "bob").id == third.id
        store.let_go("bob")
        store.let_go("nobody")

        assert (store.job(third.id).state, store.job(third.id).attempt, store.job(third.id).worker) == (JobState.QUEUED, 0, None)
        assert store.owns(job.id, job.token)
        assert store.owns(other.id, other.token)
        assert taken(store, "eve").id == third.id

    def test_every_write_of_a_zombie_is_refused(self, store: JobStore, clock: Clock) -> None:
        """A worker that was taken for dead and comes back changes nothing but the number of the attempt."""
        old = claimed(store)
        seen_silent(store, clock)
        new = taken(store, "bob")

        writes = (
            lambda: store.record(old.id, old.token, progress()),
            lambda: store.renew(old.id, old.token),
            lambda: store.succeed(old.id, old.token, "searches/x/bundle"),
            lambda: store.fail(old.id, old.token, ERROR),
            lambda: store.lose_attempt(old.id, old.token, ERROR, 3),
            lambda: store.release(old.id, old.token),
        )
        before = store.events(old.id, 0, 100)
        for write in writes:
            with pytest.raises(LostLeaseError, match=old.id):
                write()
        assert store.events(old.id, 0, 100) == before
        store.let_go("ada")
        assert not store.owns(old.id, old.token)
        seen = store.job(old.id)
        assert (seen.state, seen.worker, seen.token, seen.attempt) == (JobState.RUNNING, "bob", new.token, 1)
        assert [event.attempt for event in store.events(old.id, before[-1].id, 100)] == [1]
        assert store.owns(new.id, new.token)

    def test_a_job_that_kills_its_workers_fails_in_the_end(self, store: JobStore, clock: Clock) -> None:
        """After two workers died with it, the third finds it failed and gets nothing."""
        job = claimed(store)
        seen_silent(store, clock)
        taken(store, "bob", max_attempts=2)
        seen_silent(store, clock)

        assert store.claim("eve", LEASE_S, 2) is None
        assert store.job(job.id).state is JobState.FAILED
        assert (store.job(job.id).error or {})["code"] == "worker_lost"

    def test_a_resumed_job_waits_until_the_old_worker_let_its_folder_go(self, store: JobStore) -> None:
        """After cancel and resume, two children never share a run folder."""
        job = claimed(store)
        store.cancel(job.id)
        store.resume(job.id)
        assert store.claim("bob", LEASE_S, 3) is None

        store.let_go("ada")
        assert taken(store, "bob").id == job.id
        assert not store.owns(job.id, job.token)

    def test_a_resumed_job_waits_for_a_worker_that_died_no_longer_than_a_lease(self, store: JobStore, clock: Clock) -> None:
        """Nobody lets the folder go; the attempts are all there, and the dead worker is none of those that were lost with the job."""
        job = claimed(store)
        store.cancel(job.id)
        store.resume(job.id)
        seen_silent(store, clock)

        again = taken(store, "bob", max_attempts=1)
        assert (again.id, again.attempt, again.lost) == (job.id, 1, [])
