"""Long answers take turns in few threads."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from starlette.types import Scope

from service.errors import OverloadError
from service.http.middleware.compute_threads import Threads, processors
from service.http.middleware.concurrency_limiter import Places, Turn
from service.settings import Settings

LONG_S = 60.0


async def arrived(places: Places) -> Scope:
    """A request that has got a place among those that are answered at once."""
    came_at = time.perf_counter()
    return {"state": {"turn": Turn(places, came_at, await places.take(came_at))}}


def test_as_many_compute_at_once_as_there_are_threads(tmp_path: Path) -> None:
    """Two threads and six questions: two at a time, never three, and the answers are the functions' own."""
    running, most, lock = 0, 0, threading.Lock()

    def answer(number: int, *, more: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return number + more

    async def scenario() -> list[int]:
        threads, places = Threads(Settings(folder=tmp_path, compute_threads=2, max_wait_s=LONG_S)), Places(6, LONG_S)
        return await asyncio.gather(*[threads.run(await arrived(places), answer, number, more=10) for number in range(6)])

    assert asyncio.run(scenario()) == [10, 11, 12, 13, 14, 15]
    assert most == 2


def test_who_waits_for_a_thread_holds_no_place(tmp_path: Path) -> None:
    """One place and one thread: while the thread computes and another question waits for it, the place is free."""
    go = threading.Event()

    async def scenario() -> list[bool]:
        threads, places = Threads(Settings(folder=tmp_path, compute_threads=1, max_wait_s=LONG_S)), Places(1, LONG_S)
        long = [asyncio.create_task(threads.run(await arrived(places), go.wait, LONG_S)) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
        places.give_back(await asyncio.wait_for(places.take(), 1.0))
        go.set()
        return await asyncio.gather(*long)

    assert asyncio.run(scenario()) == [True, True]


def test_what_is_done_in_a_place_is_no_waiting(tmp_path: Path) -> None:
    """A question that loads its model for longer than anybody may wait gets the free thread all the same."""

    async def scenario() -> int:
        threads, places = Threads(Settings(folder=tmp_path, compute_threads=1, max_wait_s=0.05)), Places(1, LONG_S)
        scope = await arrived(places)
        await asyncio.sleep(0.2)
        return await threads.run(scope, lambda: 7)

    assert asyncio.run(scenario()) == 7


def test_who_gets_no_thread_in_time_is_refused(tmp_path: Path) -> None:
    """The only thread is taken for longer than anybody may wait; the refused one's turn passes to nobody."""
    go = threading.Event()

    async def scenario() -> bool:
        threads, places = Threads(Settings(folder=tmp_path, compute_threads=1, max_wait_s=0.05)), Places(2, LONG_S)
        first = asyncio.create_task(threads.run(await arrived(places), go.wait, LONG_S))
        await asyncio.sleep(0)
        with pytest.raises(OverloadError, match="more than can be answered"):
            await threads.run(await arrived(places), go.wait, LONG_S)
        go.set()
        return await first

    assert asyncio.run(scenario())


def test_there_are_as_many_threads_as_processors_unless_it_is_said() -> None:
    """At least one, and no more than the machine has."""
    assert processors() >= 1


@pytest.mark.parametrize(("text", "most"), [("150000 100000", 2), ("50000 100000", 1), ("1 100000", 1), ("max 100000", None), ("", None)])
def test_a_container_has_as_many_processors_as_its_share(tmp_path: Path, text: str, most: int | None) -> None:
    """A share is rounded up, and never more than there are; without one, or with a file of another form, all are its own."""
    share = tmp_path / "cpu.max"
    share.write_text(text)
    everything = processors(tmp_path / "absent")
    assert processors(share) == (everything if most is None else min(everything, most))
