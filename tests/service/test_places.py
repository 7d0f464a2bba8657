"""Places are given in turn, and refused to those who would wait too long."""

from __future__ import annotations

import asyncio
import time

import pytest

from service.errors import OverloadError
from service.places import Places, Turn

LONG_S = 60.0


def test_requests_get_places_in_the_order_in_which_they_came() -> None:
    """One place: the second and the third wait, and come in turn as it is given back."""

    async def scenario() -> list[str]:
        places, came = Places(1, LONG_S), list[str]()

        async def one(name: str) -> None:
            given_at = await places.take()
            came.append(name)
            await asyncio.sleep(0)
            places.give_back(given_at)

        await asyncio.gather(*(one(name) for name in "abc"))
        return came

    assert asyncio.run(scenario()) == ["a", "b", "c"]


def test_who_would_wait_too_long_is_refused_at_once() -> None:
    """Answers take a second each by what was seen: with one place, a wait of half a second is too long; with the place free, none is."""

    async def measured() -> tuple[float, str]:
        places = Places(1, 0.5)
        for _ in range(100):
            places.give_back(await places.take() - 1.0)  # as if a second ago
        await places.take()
        began = time.perf_counter()
        with pytest.raises(OverloadError, match="1 requests are at work and 0 wait") as caught:
            await places.take()
        return time.perf_counter() - began, str(caught.value.retry_after_s)

    took, retry_after = asyncio.run(measured())
    assert took < 0.5
    assert retry_after == "1"


def test_who_waited_too_long_is_refused_and_takes_no_place() -> None:
    """The one that gave up is out of the queue: the place goes to the next, and is free in the end."""

    async def scenario() -> list[str]:
        places, came = Places(1, 0.05), list[str]()
        given_at = await places.take()
        with pytest.raises(OverloadError):
            await places.take()
        places.give_back(given_at)
        for name in ("next", "and the next"):
            at = await places.take()
            came.append(name)
            places.give_back(at)
        return came

    assert asyncio.run(scenario()) == ["next", "and the next"]


def test_a_client_that_leaves_the_queue_takes_no_place() -> None:
    """Neither while it waits, nor when its place comes at the moment at which it leaves."""

    async def scenario() -> bool:
        places = Places(1, LONG_S)
        given_at = await places.take()
        leaving = [asyncio.create_task(places.take()) for _ in range(2)]
        await asyncio.sleep(0)
        leaving[0].cancel()
        await asyncio.sleep(0)
        places.give_back(given_at)
        leaving[1].cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        places.give_back(await asyncio.wait_for(places.take(), 1.0))
        return True

    assert asyncio.run(scenario())


def test_small_answers_of_one_turn_of_the_loop_take_their_time_too() -> None:
    """Ten requests that are ready at once and each compute a while: the last ones are refused, and the next turn begins anew."""

    async def scenario() -> tuple[list[bool], bool]:
        places, answered = Places(100, 0.05), list[bool]()

        async def one() -> None:
            try:
                given_at = await places.take()
            except OverloadError:
                answered.append(False)
                return
            time.sleep(0.02)
            places.give_back(given_at)
            answered.append(True)

        await asyncio.gather(*(one() for _ in range(10)))
        await asyncio.sleep(0)
        before = answered.copy()
        await one()
        return before, answered[-1]

    answered, afterwards = asyncio.run(scenario())
    assert answered[0]
    assert answered == sorted(answered, reverse=True)
    assert not answered[-1]
    assert afterwards


def test_waiting_counts_from_when_the_request_came() -> None:
    """Who has waited elsewhere for as long as anybody may is refused where it would have to wait again, and taken where a place is free."""

    async def scenario() -> bool:
        places = Places(1, 1.0)
        long_ago = time.perf_counter() - 2.0
        with pytest.raises(OverloadError):
            await places.take(long_ago)
        places.check()
        return True

    assert asyncio.run(scenario())


def test_a_place_is_left_once() -> None:
    """Left twice, by the route and at the end, it is given to one other request only."""

    async def scenario() -> list[bool]:
        places = Places(1, LONG_S)
        came_at = time.perf_counter()
        turn = Turn(places, came_at, await places.take(came_at))
        waiting = [asyncio.create_task(places.take()) for _ in range(2)]
        await asyncio.sleep(0)
        turn.leave()
        turn.leave()
        for _ in range(5):
            await asyncio.sleep(0)
        done = [task.done() for task in waiting]
        waiting[1].cancel()
        return done

    assert asyncio.run(scenario()) == [True, False]
