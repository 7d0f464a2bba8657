"""Requests get their places in turn, and those for which there is no time are refused at once."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from service.settings import Settings
from tests.service.conftest import Publish, eventually
from tests.service.live import LiveServer


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


def test_long_answers_wait_for_a_thread_and_small_ones_do_not(settings: Settings, publish: Publish) -> None:
    """The one thread is taken by large questions: another one is refused with 503, also before it is read; single rows are answered."""
    publish()
    narrow = settings.model_copy(update={"compute_threads": 1, "max_wait_s": 0.05})
    large = {"rows": [{"user": "ada"}] * 10_000}
    stop = threading.Event()
    with LiveServer(narrow) as live:

        def ask() -> None:
            while not stop.is_set():
                live.http.post("/v1/models/films/score", json=large)

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        refused = eventually(lambda: one if (one := live.http.post("/v1/models/films/score", json=large)).status_code == 503 else None)
        answered = live.http.post("/v1/models/films/recommend", json={"context": {"user": "ada"}, "k": 1})
        stop.set()
        for thread in asking:
            thread.join()
        after = live.http.post("/v1/models/films/score", json=large)

    assert (refused.json()["type"], refused.headers["retry-after"]) == ("urn:ihas:problem:overloaded", "1")
    assert (answered.status_code, after.status_code) == (200, 200)
