"""Reports to the service: what is refused, and what is waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ihas_service.client.client import Client
from ihas_service.consuming.messages import Event, Message, Place
from ihas_service.consuming.sender import Sender
from ihas_service.errors import BusyError, InvalidError
from tests.service.client.test_retries import Busy, busy  # noqa: F401 - fixture
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def events(kinds: list[str]) -> list[Event]:
    """Clicks on a recommendation that nobody knows, or what else is asked for."""
    found = [{"recommendation_id": "rc_1", "item_id": f"m{number}", "kind": kind} for number, kind in enumerate(kinds)]
    return [Event(Message(Place("clicks", 0, number), b"{}"), event) for number, event in enumerate(found)]


class Said:
    """What was waited for and said."""

    def __init__(self, patience: int = 9) -> None:
        self.waits: list[float] = []
        self.texts: list[str] = []
        self._patience = patience

    def wait(self, seconds: float) -> bool:
        """Whether there is patience left."""
        self.waits.append(seconds)
        return len(self.waits) < self._patience


@pytest.fixture
def client(live: LiveServer, publish: Publish) -> Iterator[Client]:
    """A client of the real service."""
    publish()
    with Client(live.url) as client:
        yield client


def test_a_report_is_halved_until_the_bad_one_stands_alone(client: Client) -> None:
    """Where the service finds what this version lets pass, one event of eight is refused with its law and the others are looked at."""
    said = Said()
    found = Sender(client, said.wait, said.texts.append).send(events(["click"] * 5 + ["Click!"] + ["click"] * 2))
    reasons = {one.message.place.offset: one.reason for one in found}
    assert sorted(reasons) == list(range(8))
    assert "`kind` must be of the form" in reasons[5]
    assert {reasons[number] for number in (0, 1, 2, 3, 4, 6, 7)} == {"There is no recommendation 'rc_1', or it has expired."}
    assert (said.waits, said.texts) == ([], [])
    assert Sender(client, said.wait, said.texts.append).send([]) == []


def test_a_service_that_is_away_is_waited_for_with_growing_patience(busy: Busy) -> None:  # noqa: F811 - fixture
    """Busy for three rounds of the client's own tries: each wait is up to twice the one before, and both ends are said once."""
    said = Said()
    busy.answers = [503] * 12 + [422]
    with Client(busy.url) as client, pytest.raises(InvalidError):  # a stranger's 422 is no law about events
        Sender(client, said.wait, said.texts.append).send(events(["click"]))
    assert len(said.waits) == 3
    assert all(0.1 * 2**number <= wait <= 0.2 * 2**number for number, wait in enumerate(said.waits))
    assert len(said.texts) == 1


def test_who_does_not_wait_gets_the_error(busy: Busy) -> None:  # noqa: F811 - fixture
    """A stop while the service is away ends with what it said."""
    said = Said(patience=1)
    busy.answers = [503] * 9
    with Client(busy.url) as client, pytest.raises(BusyError):
        Sender(client, said.wait, said.texts.append).send(events(["click"]))
