"""Requests get their places in turn, and those for which there is no time are refused at once."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from ihas.serving.answers import Scored
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_service.settings import Settings
from tests.clock import HANG_S
from tests.service.conftest import Publish, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

SCORE = "/v1/models/films/score"
JSON = {"content-type": "application/json"}
SMALL: dict[str, Any] = {"rows": [{"user": "ada"}]}
LARGE: dict[str, Any] = {"rows": [{"user": "ada"}] * 1_000}
WAIT_S, REFUSALS = 0.05, 15
"""So many refusals, each after so long a wait, take longer than an answer must have taken for the next one to be refused on arrival."""


@dataclass
class Gate:
    """What a large question waits at, and how it is known that one does."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)


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


def accepted(live: LiveServer, path: str, body: dict[str, Any]) -> httpx.Response:
    """The answer, once the request is not refused: a busy machine may refuse a few for want of time."""
    return eventually(lambda: one if (one := live.http.post(path, json=body)).status_code != 503 else None)


def test_a_busy_service_refuses_and_still_answers_what_it_can(settings: Settings, publish: Publish) -> None:
    """One place, taken by a write that waits for the database: the next is refused with 503; scores, probes and the first one are not."""
    publish()
    narrow = settings.model_copy(update={"max_requests_at_once": 1, "max_wait_s": 0.1})
    promoted: list[httpx.Response] = []
    with LiveServer(narrow) as live:
        assert accepted(live, SCORE, SMALL).status_code == 200
        promote = threading.Thread(target=lambda: promoted.append(accepted(live, "/v1/models/films/promote", {"version": 1})))
        with locked(settings):
            promote.start()
            refused = eventually(lambda: one if "1 requests are being answered" in (one := live.http.get("/v1/models")).text else None)
            others = [accepted(live, SCORE, SMALL), live.http.get("/livez"), live.http.get("/metrics")]
            assert not promoted
        promote.join()
        eventually(lambda: live.http.get("/v1/models").status_code == 200)

    assert (refused.status_code, refused.json()["type"], refused.headers["retry-after"]) == (503, "urn:ihas:problem:overloaded", "1")
    assert [answer.status_code for answer in (*others, promoted[0])] == [200] * 4


def test_a_slow_body_takes_no_place(settings: Settings, publish: Publish) -> None:
    """A client that sends half a question and waits keeps nobody from asking, whoever has only one place to give."""
    publish()
    head = "POST /v1/models/films/score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    narrow = settings.model_copy(update={"max_answers_at_once": 1})
    with LiveServer(narrow) as live, socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.sendall(head.encode())
        answers = [live.http.post(SCORE, json=SMALL).status_code for _ in range(5)]

    assert answers == [200] * 5


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Before every large question that a model computes; opened at the end."""
    gate, score = Gate(), GroupedRecommender.score

    def gated(self: GroupedRecommender, rows: Sequence[Mapping[str, Any]], explain: bool = False) -> list[Scored]:
        if len(rows) == len(LARGE["rows"]):
            gate.reached.set()
            assert gate.opened.wait(HANG_S)
        return score(self, rows, explain)

    monkeypatch.setattr(GroupedRecommender, "score", gated)
    yield gate
    gate.opened.set()


def test_long_answers_wait_for_a_thread_and_small_ones_do_not(settings: Settings, publish: Publish, gate: Gate) -> None:
    """While a large question has the one thread, others are refused with 503, and small ones answered; the large one is in the end, too."""
    publish()
    with LiveServer(settings.model_copy(update={"compute_threads": 1, "max_wait_s": WAIT_S})) as live, ThreadPoolExecutor(1) as pool:
        first = pool.submit(accepted, live, SCORE, LARGE)
        assert gate.reached.wait(HANG_S)
        refused = [live.http.post(SCORE, json=LARGE) for _ in range(REFUSALS)]
        answered = accepted(live, "/v1/models/films/recommend", {"context": {"user": "ada"}, "k": 1})
        assert not first.done()
        gate.opened.set()

        assert (first.result().status_code, answered.status_code) == (200, 200)
    assert {(one.status_code, one.json()["type"], one.headers["retry-after"]) for one in refused} == {
        (503, "urn:ihas:problem:overloaded", "1")
    }


def test_who_will_want_a_thread_that_is_taken_for_long_is_refused_unread(settings: Settings, publish: Publish, gate: Gate) -> None:
    """Once an answer at the path took long, as the refusals that each waited meanwhile prove: what is no JSON is refused with 503 while the
    thread is taken, and found wrong when it is free."""
    publish()
    with LiveServer(settings.model_copy(update={"compute_threads": 1, "max_wait_s": WAIT_S})) as live, ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            gate.opened.clear()
            gate.reached.clear()
            first = pool.submit(accepted, live, SCORE, LARGE)
            assert gate.reached.wait(HANG_S)
            assert {live.http.post(SCORE, json=LARGE).status_code for _ in range(REFUSALS)} == {503}
            unread = live.http.post(SCORE, content=b"{", headers=JSON)
            gate.opened.set()
            assert first.result().status_code == 200
        read = eventually(lambda: one if (one := live.http.post(SCORE, content=b"{", headers=JSON)).status_code != 503 else None)

    assert (unread.status_code, read.status_code) == (503, 400)
