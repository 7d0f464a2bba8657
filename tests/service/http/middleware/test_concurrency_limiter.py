"""Permits are granted in order of arrival, and refused to those who would wait too long."""

from __future__ import annotations

import asyncio

import pytest

from ihas_service.errors import OverloadError
from ihas_service.http.middleware.concurrency_limiter import PAUSE_S, ConcurrencyLimiter, Permit
from tests.clock import HANG_S, Clock

LONG_S = 60.0


def test_requests_get_permits_in_the_order_in_which_they_came() -> None:
    """One permit: the second and the third wait, and come in order as it is released."""

    async def scenario() -> list[str]:
        limiter, came = ConcurrencyLimiter(1, LONG_S), list[str]()

        async def one(name: str) -> None:
            granted_at = await limiter.acquire()
            came.append(name)
            await asyncio.sleep(0)
            limiter.release(granted_at)

        await asyncio.gather(*(one(name) for name in "abc"))
        return came

    assert asyncio.run(scenario()) == ["a", "b", "c"]


def test_who_would_wait_too_long_is_refused_at_once() -> None:
    """Answers take ten minutes each by what was seen: with one permit, a wait of five is too long; with the permit free, none is."""

    async def refused() -> OverloadError:
        clock = Clock()
        limiter = ConcurrencyLimiter(1, 300.0, clock=clock)
        for _ in range(100):
            granted_at = await limiter.acquire()
            clock.advance(600.0)
            limiter.release(granted_at)
            await asyncio.sleep(0)
        await limiter.acquire()
        with pytest.raises(OverloadError, match="1 requests are being answered and 0 wait") as caught:
            async with asyncio.timeout(HANG_S):  # shorter than the wait
                await limiter.acquire()
        return caught.value

    assert asyncio.run(refused()).retry_after_s == 300


def test_who_waited_too_long_is_refused_and_takes_no_permit() -> None:
    """The one that gave up is out of the queue: the permit goes to the next, and is free in the end."""

    async def scenario() -> list[str]:
        limiter, came = ConcurrencyLimiter(1, 0.05, clock=Clock()), list[str]()
        granted_at = await limiter.acquire()
        with pytest.raises(OverloadError):
            await limiter.acquire()
        limiter.release(granted_at)
        for name in ("next", "and the next"):
            at = await limiter.acquire()
            came.append(name)
            limiter.release(at)
        return came

    assert asyncio.run(scenario()) == ["next", "and the next"]


def test_a_client_that_leaves_the_queue_takes_no_permit() -> None:
    """Neither while it waits, nor when its permit comes at the moment at which it leaves."""

    async def scenario() -> bool:
        limiter = ConcurrencyLimiter(1, LONG_S)
        granted_at = await limiter.acquire()
        leaving = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        leaving[0].cancel()
        await asyncio.sleep(0)
        limiter.release(granted_at)
        leaving[1].cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        limiter.release(await asyncio.wait_for(limiter.acquire(), HANG_S))
        return True

    assert asyncio.run(scenario())


def test_small_answers_of_one_turn_of_the_loop_take_their_time_too() -> None:
    """Ten requests that are ready at once and each compute a while: the last ones are refused, and the next iteration begins anew."""

    async def scenario() -> tuple[list[bool], bool]:
        clock = Clock()
        limiter, answered = ConcurrencyLimiter(100, 0.05, clock=clock), list[bool]()

        async def one() -> None:
            try:
                granted_at = await limiter.acquire()
            except OverloadError:
                answered.append(False)
                return
            clock.advance(0.02)
            limiter.release(granted_at)
            answered.append(True)

        await asyncio.gather(*(one() for _ in range(10)))
        await asyncio.sleep(0)
        before = answered.copy()
        await one()
        return before, answered[-1]

    answered, afterwards = asyncio.run(scenario())
    assert answered == [True] * 2 + [False] * 8  # half of the time is over after 25 ms
    assert afterwards


async def _answered(limiter: ConcurrencyLimiter, clock: Clock, number: int, each_s: float) -> int:
    """How many of so many requests that are ready at once are answered, each computed in the loop for a while."""

    async def one() -> bool:
        try:
            granted_at = await limiter.acquire()
        except OverloadError:
            return False
        clock.advance(each_s)
        limiter.release(granted_at)
        return True

    return sum(await asyncio.gather(*(one() for _ in range(number))))


def test_a_burst_is_answered_and_more_than_can_be_answered_is_not() -> None:
    """Twenty requests of 8 ms at once, again and again: the first twenty are all answered; a later iteration answers those of its first
    31 ms alone, and the one that was begun with them, and when nobody asked for a while, twenty are answered again."""

    async def scenario() -> tuple[int, list[int], int]:
        clock = Clock()
        limiter = ConcurrencyLimiter(100, LONG_S, 0.03125, clock)
        first = await _answered(limiter, clock, 20, 0.0078125)
        later = [await _answered(limiter, clock, 20, 0.0078125) for _ in range(4)]
        clock.advance(2 * PAUSE_S)
        return first, later, await _answered(limiter, clock, 20, 0.0078125)

    assert asyncio.run(scenario()) == (20, [5] * 4, 20)


def test_long_turns_that_do_not_follow_each_other_refuse_nobody() -> None:
    """Turns of 60 ms with pauses between them: every request is answered."""

    async def scenario() -> list[int]:
        clock = Clock()
        limiter, answered = ConcurrencyLimiter(100, LONG_S, 0.03, clock), []
        for _ in range(4):
            answered.append(await _answered(limiter, clock, 12, 0.005))
            clock.advance(2 * PAUSE_S)
        return answered

    assert asyncio.run(scenario()) == [12] * 4


def test_waiting_counts_from_when_the_request_came() -> None:
    """Who has waited elsewhere for as long as anybody may is refused if it would wait again, and taken if a permit is free."""

    async def scenario() -> bool:
        clock = Clock()
        limiter, long_ago = ConcurrencyLimiter(1, 1.0, clock=clock), clock()
        clock.advance(2.0)
        with pytest.raises(OverloadError):
            await limiter.acquire(long_ago)
        limiter.check()
        return True

    assert asyncio.run(scenario())


def test_a_permit_is_released_once() -> None:
    """Released twice, by the route and at the end, it is given to one other request only."""

    async def scenario() -> list[bool]:
        limiter, came_at = ConcurrencyLimiter(1, LONG_S, clock=Clock()), 0.0
        permit = Permit(limiter, came_at, await limiter.acquire(came_at))
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        permit.release()
        permit.release()
        for _ in range(5):
            await asyncio.sleep(0)
        done = [task.done() for task in waiting]
        waiting[1].cancel()
        return done

    assert asyncio.run(scenario()) == [True, False]
