"""Three processes of the API, each with an empty folder of its own, share PostgreSQL and a store that speaks S3, and nothing else."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ihas_service.auth.scopes import EVERYTHING
from ihas_service.auth.tokens import new_key
from ihas_service.http.examples import searches
from ihas_service.jobs.runs import bundle_facts
from ihas_service.storage.bundle_store import CACHE, Artefacts
from ihas_service.storage.job import DATASET
from ihas_service.storage.keys import Keys
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import eventually, submitted
from tests.service.http.routes.test_events import referred
from tests.service.postgres import PostgresServer
from tests.service.replicas import START_S, Balancer, Replica, replicas
from tests.service.s3 import s3_server

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1_800)]

STORE = "s3://bundles/ihas"
MODEL = "/v1/models/films"
ROW = {"user": "ada", "movie": "m1"}
LIMIT = 600


@dataclass(frozen=True)
class Shared:
    """What the replicas share.

    Attributes:
        store: on the database.
        variables: of every process.
        headers: of a key that may do everything.
        folder: takes the replicas' own ones.
        trained: folder of whoever trained the model, which no replica sees.
    """

    store: SqlStore
    variables: dict[str, str]
    headers: dict[str, str]
    folder: Path
    trained: Path

    def new_headers(self) -> dict[str, str]:
        """Those of another key."""
        text, key = new_key("local", "test", EVERYTHING, None)
        Keys(self.store).add(key)
        return {"authorization": f"Bearer {text}"}


@pytest.fixture
def shared(postgres: PostgresServer, tmp_path: Path, bundle: Path) -> Iterator[Shared]:
    """A database and a bucket with two versions of a model."""
    url, trained = postgres.new_database(), tmp_path / "trained"
    store = SqlStore(url)
    variables = {"IHAS_DATABASE_URL": url, "IHAS_ARTEFACTS_URL": STORE, "IHAS_ACCESS": "keys", "IHAS_DRAIN_S": "600"}
    variables |= {"IHAS_MAX_REQUESTS_PER_MINUTE": str(LIMIT), "IHAS_MAX_WAIT_S": "60", "OMP_NUM_THREADS": "1"}
    (tmp_path / "replicas").mkdir()
    with s3_server("bundles"):
        found = Shared(store, variables, {}, tmp_path / "replicas", trained)
        found.headers.update(found.new_headers())
        for _ in range(2):
            _publish(found, bundle)
        yield found
    store.close()


def _publish(shared: Shared, bundle: Path) -> None:
    """Register a bundle as the next version, with its digest, and bring it into the store."""
    table = shared.trained / "clicks.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text("click,user\n0,ada\n1,bob\n")
    submitted(shared.store, str(table))
    while (job := shared.store.claim("trainer", 60.0, 1)) is not None and job.kind == DATASET.name:
        shared.store.accept_dataset(job.id, job.token, searches.REPORT)
    assert job is not None
    path = f"searches/{job.id}/bundle"
    shutil.copytree(bundle, shared.trained / path)
    referred(shared.trained / path)
    Artefacts(shared.trained, STORE).publish(path)
    shared.store.succeed(job.id, job.token, path, bundle_facts(shared.trained / path))


def version_for(replica: Replica, person: str) -> int:
    """The version that answers a person there."""
    answer = replica.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}, "k": 1}, headers={"sticky-key": person})
    return int(answer["version"])


def online(replica: Replica) -> Any:
    """Online metrics as a replica tells them."""
    return replica.json("GET", f"{MODEL}/online")


def test_three_replicas_answer_as_one(shared: Shared) -> None:
    """Bundles come from the store, as they were registered; a person stays with a version, a key has one limit, and what was shown, clicked
    and routed counts once, whichever replica is asked."""
    with replicas(shared.folder, shared.variables, shared.headers, 3) as three:
        first, second, third = three
        for one in three:
            assert list((one.folder / CACHE).rglob("manifest.json")), "its bundle came from the store"
            assert not (one.folder / "searches").exists(), "nothing else was shared"

        first.json("POST", f"{MODEL}/promote", json={"version": 1})
        plan = {"canaries": [{"version": 2, "percent": 40.0}]}
        second.json("PUT", f"{MODEL}/traffic", json=plan, headers={"if-match": "*"})
        people = [f"person-{number}" for number in range(25)]
        sides = eventually(lambda: _same_sides(three, people))
        assert set(sides) == {1, 2}

        answer = first.json("POST", f"{MODEL}/recommend", json={"context": {"user": "ada"}, "k": 1})
        event = {"recommendation_id": answer["recommendation_id"], "item_id": answer["items"][0]["id"], "kind": "click"}
        eventually(lambda: second.json("POST", "/v1/events", json={"events": [event]})["accepted"] or None)
        assert third.json("POST", "/v1/events", json={"events": [event]})["accepted"] == 1, "reported again, it counts once"
        told = [[(group["version"], group["impressions"], group["clicks"]) for group in online(one)["groups"]] for one in three]
        assert told == [[(answer["version"], 1, 1)]] * 3

        _routed_rows_are_those_of_all(three)
        _one_limit_for_a_key(three, shared.new_headers())
        assert [one.end() for one in three] == [0, 0, 0]


def _same_sides(three: list[Replica], people: list[str]) -> list[int] | None:
    """The version of each person, once all replicas know the canary and give everybody the same."""
    found = [[version_for(one, person) for person in people] for one in three]
    return found[0] if found[0] == found[1] == found[2] and set(found[0]) == {1, 2} else None


def _routed_rows_are_those_of_all(three: list[Replica]) -> None:
    """Rows that were scored by each of them are in the sum that any of them tells."""
    before = eventually(lambda: _told_alike(three))
    for number, one in enumerate(three, 1):
        one.json("POST", f"{MODEL}/score?version=1", json={"rows": [ROW] * number})
    assert eventually(lambda: found if (found := _told_alike(three)) and found > before else None) <= before + 6
    assert eventually(lambda: found if (found := _told_alike(three)) == before + 6 else None) == before + 6


def _told_alike(three: list[Replica]) -> int | None:
    """Routed rows, once all replicas tell the same."""
    rows = {online(one)["routing"]["rows"] for one in three}
    return rows.pop() if len(rows) == 1 else None


def _one_limit_for_a_key(three: list[Replica], headers: dict[str, str]) -> None:
    """In the end every replica refuses a key of which it alone has admitted fewer than the limit."""
    admitted = Counter[str]()

    def ask(one: Replica) -> int:
        status = one.http.get("/v1/models", headers=headers).status_code
        admitted[one.url] += status == 200
        return status

    for one in three * (LIMIT // 3):
        ask(one)
    assert sum(admitted.values()) == LIMIT, "nobody is refused below the limit"
    eventually(lambda: all(ask(one) == 429 for one in three) or None)
    assert max(admitted.values()) < LIMIT


def test_a_rolling_update_under_load_fails_no_request(shared: Shared) -> None:
    """One after the other is replaced: the new one is ready first, the old one says that it is not, answers what still comes, and ends."""
    shared.variables["IHAS_MAX_REQUESTS_PER_MINUTE"] = "0"
    with replicas(shared.folder, shared.variables, shared.headers, 3) as running:
        old, balancer, codes = list(running), Balancer(running), []
        with balancer.load(2, shared.headers, f"{MODEL}/score", {"rows": [ROW]}):
            for number, replaced in enumerate(old, 3):
                new = Replica(shared.folder / f"replica-{number}", shared.variables, shared.headers)
                running.append(new)
                eventually(lambda new=new: new.ready or None, START_S)  # type: ignore[misc]
                codes.append(replaced.end(balancer.left))
            eventually(lambda: all(balancer.answers[one.url, 200] > 20 for one in running[3:]) or None)

        assert balancer.failures == [], f"of {sum(balancer.answers.values())} requests"
        assert codes == [0, 0, 0]
        assert all(balancer.answers[one.url, 200] for one in old), "each had a share before it went"
