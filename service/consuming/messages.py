"""Messages of a topic, each of them an event as `POST /v1/events` takes it, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from ihas_service.http.schemas.events import EventReport
from ihas_service.http.wording import worded

MAX_MESSAGE = 65_536
"""Bytes of a message that can be an event."""
MAX_REASON = 500
"""Characters of a reason."""


class Place(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True)
class Message:
    """A message as it was read.

    Attributes:
        at: its timestamp in seconds since 1970; None where it has none.
        headers: as Kafka has them.
    """

    place: Place
    value: bytes | None
    key: bytes | None = None
    at: float | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def bytes(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")


class Refused(NamedTuple):
    """A message that is no event, or whose event the service rejects."""

    message: Message
    reason: str

    @property
    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {**self.message.place._asdict(), "detail": self.reason}


class Event(NamedTuple):
    """A message with its event."""

    message: Message
    event: dict[str, Any]


def read(message: Message) -> Event | Refused:
    """The event of a message; one that states no time happened at the message's."""
    found = _object(message)
    if isinstance(found, str):
        return Refused(message, found)
    if found.get("at") is None and message.at is not None:
        found["at"] = message.at
    try:
        EventReport.model_validate(found)
    except ValidationError as error:
        return Refused(message, worded(error.errors(include_url=False)[0])[:MAX_REASON])
    return Event(message, found)


def _object(message: Message) -> dict[str, Any] | str:
    """The JSON object of a message, or why it has none."""
    if not message.value:
        return "A message must hold an event as JSON, but this one is empty."
    if message.bytes > MAX_MESSAGE:
        return f"A message must have at most {MAX_MESSAGE:,} bytes, but this one has {message.bytes:,}."
    try:
        found = orjson.loads(message.value)
    except ValueError as error:
        return f"A message must be JSON, but this one is not: {error}."[:MAX_REASON]
    if not isinstance(found, dict):
        return "A message must be a JSON object, one event, but this one is another value."
    return "A message must be one event, but this one is a report of `events`. Send each as a message." if "events" in found else found
