"""A database tells the time that a file says."""

from __future__ import annotations

import time
from pathlib import Path

from ihas_service.simulation.clock import ClockFile, databases_follow
from ihas_service.storage.database import Database
from ihas_service.storage.schedules import Schedules

DAY_S = 86_400.0


def test_databases_of_the_block_follow_the_clock(tmp_path: Path) -> None:
    """Also connections that are open already see it being set; a database that is opened after the block tells the machine's time."""
    clock, url = ClockFile(tmp_path / "clock"), f"sqlite:///{tmp_path / 'ihas.db'}"
    with databases_follow(clock):
        clock.set(1_767_571_200.0)
        database = Database(url)
        told = [Schedules(database).now()]
        clock.set(clock.now() + DAY_S)
        told.append(database.now())
        database.close()
    after = Database(url)
    began, now, ended = time.time(), after.now(), time.time()
    after.close()

    assert [round(one, 2) for one in told] == [1_767_571_200.0, 1_767_571_200.0 + DAY_S]
    assert began - 1 <= now <= ended + 1
