"""Long answers take turns in few threads."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from starlette.types import Scope

from ihas_service.errors import OverloadError
from ihas_service.http.middleware.compute_threads import Threads, processors
from ihas_service.http.middleware.concurrency_limiter import ConcurrencyLimiter, Permit
from ihas_service.settings import Settings
from tests.clock import HANG_S, Clock

LONG_S = 2 * HANG_S


async def arrived(limiter: ConcurrencyLimiter, clock: Clock) -> Scope:
    """A request that has got a permit."""
    came_at = clock()
    return {"state": {"permit": Permit(limiter, came_at, await limiter.acquire(came_at))}}


def test_as_many_compute_at_once_as_there_are_threads(tmp_path: Path) -> None:
    """Two threads and six questions: two are computed until they may end, and no third begins though the event loop has time for it; the
    answers are the functions' own."""
    begun, two, go = list[int](), threading.Barrier(3), threading.Event()

    def answer(number: int, *, more: int) -> int:
        begun.append(number)
        if not go.is_set():
            two.wait(HANG_S)
            assert go.wait(HANG_S)
        return number + more

    async def scenario() -> tuple[list[int], list[int]]:
        clock = Clock()
        threads = Threads(Settings(folder=tmp_path, compute_threads=2, max_wait_s=LONG_S), clock)
        limiter = ConcurrencyLimiter(6, LONG_S, clock=clock)
        asked = [asyncio.create_task(threads.run(await arrived(limiter, clock), answer, number, more=10)) for number in range(6)]
        await asyncio.to_thread(two.wait, HANG_S)
        for _ in range(100):
            await asyncio.sleep(0)
        at_once = sorted(begun)
        go.set()
        return at_once, await asyncio.gather(*asked)

    assert asyncio.run(scenario()) == ([0, 1], [10, 11, 12, 13, 14, 15])


def test_who_waits_for_a_thread_holds_no_permit(tmp_path: Path) -> None:
    """One permit and one thread: while the thread computes and another question waits for it, the permit is free."""
    go = threading.Event()

    async def scenario() -> list[bool]:
        clock = Clock()
        threads = Threads(Settings(folder=tmp_path, compute_threads=1, max_wait_s=LONG_S), clock)
        limiter = ConcurrencyLimiter(1, LONG_S, clock=clock)
        long = [asyncio.create_task(threads.run(await arrived(limiter, clock), go.wait, HANG_S)) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
        limiter.release(await asyncio.wait_for(limiter.acquire(), HANG_S))
        go.set()
        return await asyncio.gather(*long)

    assert asyncio.run(scenario()) == [True, True]


def test_what_is_done_under_a_permit_is_no_waiting(tmp_path: Path) -> None:
    """A question that loads its model for longer than anybody may wait gets the free thread all the same."""

    async def scenario() -> int:
        clock = Clock()
        threads, limiter = (
            Threads(Settings(folder=tmp_path, compute_threads=1, max_wait_s=0.05), clock),
            ConcurrencyLimiter(1, LONG_S, clock=clock),
        )
        scope = await arrived(limiter, clock)
        clock.advance(0.2)
        return await threads.run(scope, lambda: 7)

    assert asyncio.run(scenario()) == 7


def test_who_gets_no_thread_in_time_is_refused(tmp_path: Path) -> None:
    """The only thread is taken for longer than anybody may wait; the refused one's permit passes to nobody."""
    go = threading.Event()

    async def scenario() -> bool:
        clock = Clock()
        threads, limiter = (
            Threads(Settings(folder=tmp_path, compute_threads=1, max_wait_s=0.05), clock),
            ConcurrencyLimiter(2, LONG_S, clock=clock),
        )
        first = asyncio.create_task(threads.run(await arrived(limiter, clock), go.wait, HANG_S))
        await asyncio.sleep(0)
        with pytest.raises(OverloadError, match="more than fit into"):
            await threads.run(await arrived(limiter, clock), go.wait, HANG_S)
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
