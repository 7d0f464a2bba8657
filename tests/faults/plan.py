"""How many faults of which kind, and the order in which they are tried."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ihas.bundle.archive import write_bundle
from tests.faults.disk_faults import fill_disk
from tests.faults.http_faults import attack
from tests.faults.job_faults import disturb
from tests.faults.ledger import Ledger
from tests.faults.processes import Hangs
from tests.faults.run_faults import kill_runs
from tests.faults.store_faults import spoil_bundles
from tests.faults.table_faults import read_odd_files
from tests.ihas.bundle_factory import small_bundle
from tests.service.postgres import PostgresServer, postgres_server, reason_to_skip

ON_POSTGRES = "everything on PostgreSQL"


@dataclass(frozen=True)
class Plan:
    """Faults of a kind.

    Attributes:
        attacks: on the API, of each kind and on each database.
        disturbances: of jobs, of each kind and on each database.
        bundles: spoilt in the store, of each kind.
        outages: of the store.
        killed_checks: checks of data sets that are killed, besides the odd files.
        killed_runs: real searches that are killed three times each.
        full_disk: uploads, and writes, without room.
    """

    attacks: int = 24
    disturbances: int = 4
    bundles: int = 4
    outages: int = 3
    killed_checks: int = 3
    killed_runs: int = 2
    full_disk: int = 6


def carry_out(plan: Plan, root: Path, seed: int, say: Callable[[str], None]) -> Ledger:
    """Try all faults of a plan; the same seed sends the same bytes and draws the same moments.

    Args:
        plan: how many.
        root: takes folders and logs of all processes.
        seed: of all draws.
        say: takes a line for each part.
    """
    ledger, bundle = Ledger(), root / "bundle"
    if not bundle.exists():
        write_bundle(small_bundle(), bundle)
    _part("API, SQLite", lambda: attack(root, bundle, None, plan.attacks, seed, ledger), ledger, say)
    _part("jobs, SQLite", lambda: disturb(root, bundle, None, plan.disturbances, seed, ledger), ledger, say)
    if (reason := reason_to_skip()) is not None:
        ledger.left_out[ON_POSTGRES] = reason
    else:
        with postgres_server() as server:
            _on(server, plan, root, bundle, seed + 1, ledger, say)
    _part("store of bundles", lambda: spoil_bundles(root, bundle, plan.bundles, plan.outages, seed, ledger), ledger, say)
    _part("tables", lambda: read_odd_files(root, plan.killed_checks, seed, ledger), ledger, say)
    _part("disk", lambda: fill_disk(root, plan.full_disk, seed, ledger), ledger, say)
    _part("real searches", lambda: kill_runs(root, plan.killed_runs, 3, seed, ledger), ledger, say)
    return ledger


def _on(server: PostgresServer, plan: Plan, root: Path, bundle: Path, seed: int, ledger: Ledger, say: Callable[[str], None]) -> None:
    _part("API, PostgreSQL", lambda: attack(root, bundle, server.new_database(), plan.attacks, seed, ledger), ledger, say)
    _part("jobs, PostgreSQL", lambda: disturb(root, bundle, server, plan.disturbances, seed, ledger), ledger, say)


def _part(name: str, run: Callable[[], None], ledger: Ledger, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    try:
        run()
    except Hangs as error:
        ledger.wrong(name, "lost", str(error))
    say(f"{name}: {time.monotonic() - began:.0f} s")
