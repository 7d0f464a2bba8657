"""`ihas events consume` between a cluster that speaks Kafka's protocol and the real service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ihas_service.cli.main import run
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import DIRECT_EVENTS
from tests.clock import HANG_S
from tests.service.conftest import Publish, eventually
from tests.service.consuming.kafka import Kafka
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

IHAS = (sys.executable, "-c", "from ihas_service.cli.main import main; main()")


def click(number: int, **more: Any) -> bytes:
    """A click without a recommendation, one a person; it happened when its message was written."""
    event = {"model": "films", "context": {"user": f"user {number}"}, "item_id": f"m{number % 4}", "kind": "click"}
    return json.dumps(event | more).encode()


class Command:
    """`ihas events consume` of a topic, in this process or as one of its own.

    Attributes:
        topic: a new one.
        group: the group that reads it.
    """

    def __init__(self, kafka: Kafka, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.topic = kafka.topic("clicks")
        self.group = f"of {self.topic}"
        self._kafka, self._capsys = kafka, capsys
        self._properties = folder / "kafka.properties"
        self._properties.write_text("session.timeout.ms=6000\nheartbeat.interval.ms=500\n")  # how long a dead member is waited for

    def words(self, *more: str) -> list[str]:
        """The command's words."""
        servers = ("--servers", self._kafka.servers, "--group", self.group, "--config", str(self._properties), "--wait", "0.2")
        return ["--output", "json", "events", "consume", self.topic, *servers, *more]

    def __call__(self, *more: str, code: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The result, and what was told on standard error."""
        self._capsys.readouterr()
        assert run(self.words(*more)) == code, self._capsys.readouterr().err
        found = self._capsys.readouterr()
        told = [json.loads(line) for line in found.err.splitlines()]
        printed = [json.loads(line) for line in found.out.splitlines()]  # the service's log is among them
        return [{}, *(one for one in printed if "event" not in one)][-1], [one for one in told if "event" not in one]

    @contextmanager
    def started(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        """The command as a process of its own, with texts for a person; none is left behind."""
        words = [*IHAS, *self.words(*more)[2:]]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    @property
    def committed(self) -> int:
        """Messages that the group is done with."""
        return self._kafka.committed(self.topic, self.group)


@pytest.fixture
def consume(kafka: Kafka, capsys: pytest.CaptureFixture[str], publish: Publish, tmp_path: Path) -> Command:
    """The command against a service that has a model."""
    publish()
    return Command(kafka, capsys, tmp_path)


@pytest.fixture
def service(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> LiveServer:
    """The service, known by IHAS_URL."""
    monkeypatch.setenv("IHAS_URL", live.url)
    return live


def kept(store: SqlStore) -> list[str]:
    """Users of the events that the service has, each as often as it has it."""
    found = store.read(sa.select(DIRECT_EVENTS.c.context))
    return sorted((json.loads(row["context"])["user"] for row in found), key=lambda user: int(user.split()[1]))


def users(count: int) -> list[str]:
    """Those of the first clicks."""
    return [f"user {number}" for number in range(count)]


def test_all_events_arrive_once(service: LiveServer, store: SqlStore, kafka: Kafka, consume: Command) -> None:
    """2,500 messages of four partitions are events in three reports; a second group that reads all again adds none."""
    kafka.send(consume.topic, map(click, range(2_500)))
    found, told = consume("--until-end")
    done = consume.committed
    consume.group += " again"
    again, _ = consume("--max-messages", "2500")

    assert (found["messages"], found["accepted"], found["refused"], told, done) == (2_500, 2_500, 0, [], 2_500)
    assert (found["batches"], sum(found["committed"].values())) == (3, 2_500)
    assert (again["accepted"], kept(store)) == (2_500, users(2_500))


@pytest.mark.slow
def test_a_killed_consumer_loses_nothing(service: LiveServer, store: SqlStore, kafka: Kafka, consume: Command) -> None:
    """Killed as it reads, the group goes on where offsets were committed, here in two parts: every event is there, and once."""
    kafka.send(consume.topic, map(click, range(3_000)))
    with consume.started("--batch", "20"):
        eventually(lambda: kept(store))
    found = len(kept(store))
    part, _ = consume("--max-messages", "15")
    rest, _ = consume("--until-end")

    assert found < 3_000
    assert (part["messages"], part["batches"]) == (15, 1)
    assert rest["accepted"] >= 3_000 - found - 15
    assert kept(store) == users(3_000)
    assert consume.committed == 3_000


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_after_the_batch_in_hand(
    service: LiveServer, store: SqlStore, kafka: Kafka, consume: Command, name: signal.Signals
) -> None:
    """A signal ends the command well, with the offsets of what the service has."""
    kafka.send(consume.topic, map(click, range(8)))
    with consume.started() as process:
        eventually(lambda: len(kept(store)) == 8)
        process.send_signal(name)
        out, err = process.communicate(timeout=HANG_S)

    assert (process.returncode, err) == (0, "")
    assert out.startswith("8 messages read, 8 events accepted, 0 refused, ")
    assert consume.committed == 8


def test_what_is_no_event_stops_nothing(service: LiveServer, store: SqlStore, kafka: Kafka, consume: Command) -> None:
    """Told with its place, and written to the other topic as it was, with the reason; the rest counts, and offsets go on."""
    bad = [b"{", b"", None, b"[1]", b'{"events": []}', click(1, kind="Click!"), click(1, at=5), click(1, model="songs"), b"x" * 70_000]
    bad += [click(1, item_id="\0"), click(1, value=float("nan")), json.dumps({"a": 1}).replace("1", "[" * 2_000).encode()]
    kafka.send(consume.topic, [click(0), *bad, click(1)], partition=2)
    refused = kafka.topic("refused")
    found, told = consume("--until-end", "--dead-letter", refused)
    letters = kafka.read(refused, len(bad))

    places = [{name: one["refused"][name] for name in ("topic", "partition", "offset")} for one in told]
    assert places == [{"topic": consume.topic, "partition": 2, "offset": number} for number in range(1, len(bad) + 1)]
    assert [one["refused"]["detail"] for one in told][5:8] == [
        "`kind` must be of the form `^[a-z][a-z0-9_]{0,15}$`, but got 'Click!'.",
        told[6]["refused"]["detail"],
        "There is no model 'songs' whose rows events could become.",
    ]
    assert "are not kept" in told[6]["refused"]["detail"]
    assert (found["accepted"], found["refused"], kept(store), consume.committed) == (2, len(bad), users(2), len(bad) + 2)
    headers = [dict(one.headers() or ()) for one in letters]
    assert sorted(int(one["ihas-offset"]) for one in headers) == list(range(1, len(bad) + 1))
    assert {one["source"] for one in headers} == {b"test"}
    assert {bytes(one.value() or b"") for one in letters} == {value or b"" for value in bad}


def test_without_dead_letters_the_code_says_so(service: LiveServer, store: SqlStore, kafka: Kafka, consume: Command) -> None:
    """As an import does, a run that ends by itself ends with 4 where a message was no event; its offset is committed all the same."""
    kafka.send(consume.topic, [click(0), b"{", click(1)])
    found, told = consume("--until-end", code=4)
    assert (found["accepted"], kept(store), consume.committed) == (2, users(2), 3)
    assert [list(one) for one in told] == [["refused"], ["error"]]


@pytest.mark.slow
def test_a_service_that_is_away_is_waited_for(
    settings: Settings, store: SqlStore, kafka: Kafka, consume: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended under a running consumer and started again: nothing is committed meanwhile, and every event arrives once."""
    with ExitStack() as stack:
        with LiveServer(settings) as first:
            monkeypatch.setenv("IHAS_URL", first.url)
            kafka.send(consume.topic, map(click, range(40)))
            process = stack.enter_context(consume.started())
            eventually(lambda: consume.committed == 40)
        kafka.send(consume.topic, map(click, range(40, 90)))
        assert process.stderr is not None
        assert "The service is away; nothing is committed" in process.stderr.readline()
        assert (len(kept(store)), consume.committed) == (40, 40)
        with LiveServer(settings, first.port):
            eventually(lambda: consume.committed == 90)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=HANG_S)
    assert (process.returncode, err, kept(store)) == (0, "The service is back.\n", users(90))


def test_a_stop_while_the_service_is_away_commits_nothing(
    kafka: Kafka, consume: Command, monkeypatch: pytest.MonkeyPatch, live: LiveServer
) -> None:
    """Who waits for a service can be ended; the code says that it is out of reach, and the group reads its messages again."""
    monkeypatch.setenv("IHAS_URL", live.url)
    live.end()
    kafka.send(consume.topic, map(click, range(3)))
    with consume.started() as process:
        assert process.stderr is not None
        assert "is away" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=HANG_S)
    assert (process.returncode, out, consume.committed) == (3, "", 0)
    assert "cannot be reached" in err
