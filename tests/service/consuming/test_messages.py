"""Messages and their events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ihas_service.consuming.messages import MAX_MESSAGE, Event, Message, Place, Refused, read

CLICK = {"recommendation_id": "rc_1", "item_id": "m1", "kind": "click"}


def message(value: Any, at: float | None = 12.5) -> Message:
    """A message of bytes, or of a value as JSON."""
    return Message(Place("clicks", 3, 17), value if isinstance(value, bytes | None) else json.dumps(value).encode(), at=at)


def test_an_event_without_a_time_happened_at_the_message_s() -> None:
    """Read late or twice, it has the same time; a time that it states stays, and a message without one leaves it to the service."""
    assert read(message(CLICK)) == Event(message(CLICK), {**CLICK, "at": 12.5})
    assert read(message({**CLICK, "at": "2026-11-30T12:00:00Z"})).event["at"] == "2026-11-30T12:00:00Z"  # type: ignore[union-attr]
    assert read(message({**CLICK, "at": 0})).event["at"] == 0  # type: ignore[union-attr]
    assert read(message(CLICK, None)).event == CLICK  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "is empty"),
        (b"", "is empty"),
        (b"\xff", "is not"),
        (b'{"item_id": "\\ud800"}', "is not"),
        (b'{"value": NaN}', "is not"),
        (b"[" * 5_000, "is not"),
        ([CLICK], "another value"),
        ({"events": [CLICK]}, "Send each as a message"),
        ({**CLICK, "x": 1}, "x"),
        ({**CLICK, "value": 10**400}, "JSON|number"),
        ({**CLICK, "kind": "Click!"}, "`kind` must be of the form"),
        ({"item_id": "m1", "kind": "click"}, "`recommendation_id`, or else"),
        (b" " * MAX_MESSAGE + b"{}", "at most 65,536 bytes, but this one has 65,538"),
    ],
)
def test_what_is_no_event_says_why(value: Any, told: str) -> None:
    """One line with the law, and where the message lies."""
    found = read(message(value))
    assert isinstance(found, Refused)
    assert pytest.approx(found.document["offset"]) == 17
    assert any(part in found.reason for part in told.split("|")), found.reason
    assert len(found.reason) <= 500
    assert str(found.message.place) == "clicks[3]@17"
