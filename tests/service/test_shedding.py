"""Requests get their places in turn, and those for which there is no time are refused at once."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from service.errors import OverloadError
from service.settings import Settings
from service.shedding import Places
from tests.service.conftest import Publish, eventually
from tests.service.live import LiveServer

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


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """The database in somebody else's hands."""
    connection = sqlite3.connect(settings.folder / "ihas.db", isolation_level=None)
    connection.execute("begin immediate")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.close()


def test_a_busy_service_refuses_and_still_answers_what_it_can(settings: Settings, publish: Publish) -> None:
    """One place, taken by a write that waits for the database: the next is refused with 503; scores, probes and the first one are not."""
    publish()
    narrow = settings.model_copy(update={"max_requests_at_once": 1, "max_wait_s": 0.1})
    promoted: list[httpx.Response] = []
    with LiveServer(narrow) as live:
        score = {"rows": [{"user": "ada"}]}
        assert live.http.post("/v1/models/films/score", json=score).status_code == 200
        promote = threading.Thread(target=lambda: promoted.append(live.http.post("/v1/models/films/promote", json={"version": 1})))
        with locked(settings):
            promote.start()
            refused = eventually(lambda: one if (one := live.http.get("/v1/models")).status_code == 503 else None)
            others = [live.http.post("/v1/models/films/score", json=score), live.http.get("/livez"), live.http.get("/metrics")]
        promote.join()
        after = live.http.get("/v1/models")

    assert (refused.json()["type"], refused.headers["retry-after"]) == ("urn:ihas:problem:overloaded", "1")
    assert [answer.status_code for answer in (*others, promoted[0], after)] == [200] * 5


def test_a_slow_body_takes_no_place(settings: Settings, publish: Publish) -> None:
    """A client that sends half a question and waits keeps nobody from asking."""
    publish()
    head = "POST /v1/models/films/score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    narrow = settings.model_copy(update={"max_answers_at_once": 1, "max_wait_s": 0.1})
    with LiveServer(narrow) as live, socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.sendall(head.encode())
        answers = [live.http.post("/v1/models/films/score", json={"rows": [{"user": "ada"}]}).status_code for _ in range(5)]

    assert answers == [200] * 5
