"""The cheapest part of `make faults`, and what its table says."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from ihas.bundle.archive import write_bundle
from ihas_service.benchmark_server import register
from ihas_service.settings import Settings
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from tests.faults.attacks import kinds
from tests.faults.http_faults import attack
from tests.faults.job_faults import compare
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle, client
from tests.ihas.bundle_factory import small_bundle
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

EACH = 5


@pytest.mark.slow
def test_attacks_change_no_answer(tmp_path: Path) -> None:
    """Five of each kind on a service that asks for keys: no 5xx, nothing left behind, and a right answer after every one."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    ledger = Ledger()
    attack(tmp_path, tmp_path / "bundle", None, EACH, 3, ledger)

    assert ledger.found == []
    assert ledger.tries == EACH * len(kinds(b"/")) + 1
    assert [count.answers for count in ledger.counts.values()] == [count.tries for count in ledger.counts.values()]


def test_a_seed_sends_the_same_bytes() -> None:
    """Every kind, drawn twice; another seed sends others."""
    makes = kinds(b"/x").values()
    first, again, other = ([[make(draw, b"key") for _ in range(50)] for make in makes] for draw in map(random.Random, (1, 1, 2)))
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_what_is_wrong_is_in_the_table(tmp_path: Path) -> None:
    """A ledger is clean until something is wrong; then its kind, its sum and its words say so."""
    ledger = Ledger()
    ledger.add("kills", tries=3, jobs=2)
    assert ledger.clean
    ledger.wrong("kills", "lost", "job 7 is gone")
    ledger.left_out["disks"] = "no root"
    ledger.write(tmp_path, seed=1)
    table, document = (tmp_path / "faults.md").read_text(), orjson.loads((tmp_path / "faults.json").read_bytes())

    assert not ledger.clean
    assert "| kills | 3 | 2 | 0 | 1 | 0 | 0 | 0 | 0 |" in table
    assert "| **all** | 3 | 2 | 0 | 1 | 0 | 0 | 0 | 0 |" in table
    assert "Not tried, disks: no root" in table
    assert (document["tries"], document["clean"], document["found"], document["seed"]) == (3, False, ["kills: lost: job 7 is gone"], 1)


class Mistaken(Oracle):
    """Takes another answer for the right one."""

    def answer(self, route: str, body: dict[str, Any]) -> Any:
        """See `Oracle`."""
        return [*super().answer(route, body), {}]


def test_a_wrong_answer_is_found(settings: Settings, tmp_path: Path) -> None:
    """Every one that differs, and every request that nobody answers."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    register(settings, tmp_path / "bundle")
    ledger = Ledger()
    with LiveServer(settings) as live:
        right, mistaken = Oracle(tmp_path / "bundle", 1), Mistaken(tmp_path / "bundle", 1)
        for _ in range(5):
            right.ask(live.http, "right", ledger)
            mistaken.ask(live.http, "mistaken", ledger)
        unknown = Oracle(tmp_path / "bundle", 1, "unknown")
        unknown.ask(live.http, "unknown", ledger)
        with client(live.url) as http:
            live.end()
            right.ask(http, "away", ledger)

    assert [(kind, count.wrong, count.fives) for kind, count in ledger.counts.items()] == [
        ("right", 0, 0),
        ("mistaken", 5, 0),
        ("unknown", 1, 0),
        ("away", 0, 1),
    ]


def test_lost_and_other_searches_are_found(store: SqlStore, settings: Settings, valid_dataset: str) -> None:
    """One that failed is lost; one whose files differ has another result; a key that does not have its one search is doubled."""
    jobs = {}
    for name in ("calm", "right", "lost", "other"):
        store.submit(NewJob(SEARCH, "slow", valid_dataset, {"learning": {}, "run": {}}, name))
        job = store.claim("worker", 60.0, 1)
        assert job is not None
        jobs[name] = job.id
        folder = settings.folder / "searches" / job.id
        folder.mkdir(parents=True)
        (folder / "result.json").write_text("other" if name == "other" else "same")
        if name == "lost":
            store.fail(job.id, job.token, {"code": "crash", "detail": "It died."})
        else:
            store.succeed(job.id, job.token, f"searches/{job.id}/bundle")
    ledger = Ledger()
    keys = {"right": "right", "lost": "lost", "other": "other", "calm": "no such key"}
    compare(store, settings.folder / "searches", jobs["calm"], {jobs[name]: (key, name) for name, key in keys.items()}, ledger)

    assert {kind: (count.lost, count.doubled, count.differ) for kind, count in ledger.counts.items()} == {
        "lost": (1, 0, 0),
        "other": (0, 0, 1),
        "calm": (0, 1, 0),
    }
