"""Events without an answer: kept once, counted, and gone with their age or where room is needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from ihas_service.storage.contexts import MAX_CONTEXT_BYTES, compared, kept_context, read_context
from ihas_service.storage.database import Database
from ihas_service.storage.direct_events import DIRECT_BYTES, DirectEvent, DirectEvents
from ihas_service.storage.feedback import Answer, Feedback, KeptItem
from ihas_service.storage.tables import DIRECT_EVENTS

pytestmark = pytest.mark.full


def event(number: float, tenant: str = "acme", **more: Any) -> DirectEvent:
    """An event of a time."""
    values: dict[str, Any] = {"model": "films", "context": "{}", "stated": {}, "item_id": "m1", "kind": "click", "value": None}
    return DirectEvent(tenant=tenant, happened_at=number, **{**values, **more})


def times(database: Database) -> list[float]:
    """Times of the events that are kept."""
    return [row["happened_at"] for row in database.read(sa.select(DIRECT_EVENTS.c.happened_at).order_by(DIRECT_EVENTS.c.happened_at))]


def test_what_is_reported_twice_is_kept_once_and_counts_once(database: Database) -> None:
    """In one report and in the next; the first value stands. Of another tenant, model, item, kind, context or time it is another event."""
    events = DirectEvents(database)
    others = [event(2.0), event(1.0, "other"), event(1.0, model="songs"), event(1.0, item_id="m2"), event(1.0, kind="cart")]
    others.append(event(1.0, context='{"user":"ada"}', stated={"user": "ada"}))
    events.add([event(1.0, value=4.0), event(1.0, value=5.0), *others])
    events.add([event(1.0, value=3.0), *others])

    assert len(times(database)) == 7
    kept = database.read(sa.select(DIRECT_EVENTS.c.value).where(DIRECT_EVENTS.c.digest == event(1.0).digest))
    assert [row["value"] for row in kept] == [4.0]
    assert Feedback(database).used("other") == DIRECT_BYTES + len("m1") + len("{}")


def test_equal_events_of_several_reporters_are_one(database: Database) -> None:
    """Eight threads with the same hundred events, in parts: each is kept and counted once."""
    events, told = DirectEvents(database), [event(float(number)) for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda start: events.add(told[start:] + told[:start]), range(0, 80, 10)))

    assert times(database) == [float(number) for number in range(100)]
    assert Feedback(database).used("acme") == sum(one.bytes for one in told)


def test_above_the_quota_the_oldest_go_whatever_they_are(database: Database) -> None:
    """An answer of today outlives events of yesterday, and not those of tomorrow; other tenants lose nothing."""
    now = database.now()
    size = event(1.0).bytes
    answer = Answer("rc_1", "acme", "films", 1, {"m1": KeptItem(0, 0.5)})
    Feedback(database).remember([answer])
    events = DirectEvents(database, max_bytes=answer.bytes + 3 * size)
    events.add([event(now - 10.0 - number) for number in range(5)] + [event(1.0, "other")])

    assert times(database) == [1.0, now - 12.0, now - 11.0, now - 10.0]
    assert list(Feedback(database).known("acme", ["rc_1"])) == ["rc_1"]
    events.add([event(now + 100.0 + number) for number in range(4)])
    assert times(database) == [1.0, *(now + 100.0 + number for number in (1, 2, 3))]
    assert Feedback(database).known("acme", ["rc_1"]) == {}
    assert Feedback(database).used("acme") <= answer.bytes + 3 * size


def test_an_event_goes_with_its_own_age(database: Database) -> None:
    """And not with that of its report: a history that is imported today is forgotten in the order in which it happened."""
    now = database.now()
    DirectEvents(database).add([event(now - 100.0), event(now - 10.0)])
    Feedback(database).forget(50.0)

    assert times(database) == [now - 10.0]
    assert Feedback(database).used("acme") == event(now - 10.0).bytes


def test_a_context_is_kept_whole_or_not_at_all() -> None:
    """Up to the limit in bytes, as its JSON; characters of several bytes count as such."""
    frame = len('{"a":""}')
    assert kept_context({"a": "x" * (MAX_CONTEXT_BYTES - frame)}) is not None
    assert kept_context({"a": "x" * (MAX_CONTEXT_BYTES - frame + 1)}) is None
    assert kept_context({"a": "é" * (MAX_CONTEXT_BYTES // 2)}) is None
    stated = {"user": "ada", "tags": ["a", None, 2.5], "big": 10**30, "odd": "\0☃", "none": None}
    assert read_context(kept_context(stated) or "") == stated


def test_equal_cells_are_compared_as_equal() -> None:
    """However they are spelt; lists keep their order, and what is missing is nothing."""
    assert compared({"a": 7, "b": " x ", "c": None, "d": ["1", 2.0, None]}) == compared({"d": [1, "2"], "b": "x", "a": "7.0"})
