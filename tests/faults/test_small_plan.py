"""The cheapest part of `make faults`, and what its table says."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from ihas.bundle.archive import write_bundle
from tests.faults.attacks import kinds
from tests.faults.http_faults import attack
from tests.faults.ledger import Ledger
from tests.ihas.bundle_factory import small_bundle

pytestmark = pytest.mark.full

EACH = 5


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
