"""What every `JobStore` must do for several tenants: the laws of `ihas_service.storage.job_store` on whose job is next, who sees what."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from ihas_service.errors import TooManyError
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import SEARCH
from ihas_service.storage.job_store import JobStore
from tests.clock import Clock
from tests.contracts.job_store import ERROR, LEASE_S, search, seen_silent, taken


class FairStoreContract:
    """Run by a subclass that gives the fixtures `store` and `clock`, by which the store judges silence."""

    def test_a_higher_priority_is_claimed_first(self, store: JobStore) -> None:
        """Before older searches of a lower one, and after checks of data sets."""
        low, high = store.submit(search()).id, store.submit(search(priority=5)).id
        check = store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv")).job_id

        assert [taken(store, "ada").id for _ in range(3)] == [check, high, low]

    def test_a_noisy_tenant_waits_for_the_others(self, store: JobStore) -> None:
        """Of equal priority, the tenant with fewer searches at work is next, though it came last."""
        for _ in range(3):
            store.submit(search())
        store.submit(search(tenant="acme"))

        assert [taken(store, "ada").tenant for _ in range(4)] == ["local", "acme", "local", "local"]

    def test_a_tenants_limit_is_exact(self, store: JobStore) -> None:
        """Eight threads that claim at once get two searches of each tenant, not three; one that ends makes room for one."""
        for tenant in ("local", "acme") * 6:
            store.submit(search(tenant=tenant))
        with ThreadPoolExecutor(8) as pool:
            jobs = [job for job in pool.map(lambda _: store.claim("ada", LEASE_S, 3, 2), range(12)) if job is not None]

        assert Counter(job.tenant for job in jobs) == {"local": 2, "acme": 2}
        store.fail(jobs[0].id, jobs[0].token, ERROR)
        assert (store.claim("ada", LEASE_S, 3, 2) or jobs[1]).tenant == jobs[0].tenant
        assert store.claim("ada", LEASE_S, 3, 2) is None

    def test_a_lost_worker_takes_no_room_of_its_tenant(self, store: JobStore, clock: Clock) -> None:
        """With a limit of one, the job of a worker that died is taken up and is the only one; while its worker lived, none was free."""
        first, second = store.submit(search()), store.submit(search())
        assert taken(store, "ada").id == first.id
        assert store.claim("bob", LEASE_S, 3, 1) is None
        seen_silent(store, clock)

        assert (store.claim("bob", LEASE_S, 3, 1) or second).id == first.id
        assert store.claim("eve", LEASE_S, 3, 1) is None

    def test_room_in_the_queue_is_exact(self, store: JobStore) -> None:
        """Of twelve searches that eight threads submit at once, a limit of three lets in three of each tenant's."""

        def let_in(tenant: str) -> bool:
            try:
                store.submit(search(tenant=tenant), 3)
            except TooManyError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            let = list(pool.map(let_in, ("local", "acme") * 6))

        assert sum(let) == 6
        assert [len(store.jobs(SEARCH, None, 99, tenant)) for tenant in ("local", "acme")] == [3, 3]

    def test_tenants_do_not_see_each_other(self, store: JobStore) -> None:
        """Lists, keys and numbers of versions are a tenant's own."""
        mine, theirs = store.submit(search("key", "body")), store.submit(search("key", "other body", tenant="acme"))
        store.add_dataset(NewDataset("clicks", {}, tenant="acme"))
        for _ in range(2):
            job = taken(store, "ada")
            assert store.succeed(job.id, job.token, job.id, {"chosen": "base"}).version == 1

        assert [job.id for job in store.jobs(SEARCH, None, 9)] == [mine.id]
        assert [job.id for job in store.jobs(SEARCH, None, 9, "acme")] == [theirs.id]
        assert (len(store.datasets(None, 9)), len(store.datasets(None, 9, "acme"))) == (0, 1)
        assert [version.job_id for version in store.versions("films", "acme")] == [theirs.id]
        assert ([model.tenant for model in store.models()], [model.facts for model in store.models("acme")]) == (
            ["acme", "local"], [{"chosen": "base"}],
        )  # fmt: skip
