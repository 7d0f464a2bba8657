"""Answers and what people did: counted once, by version and group."""

from __future__ import annotations

import pytest

from service.storage.database import Database
from service.storage.feedback import Answer, Deed, Feedback, GroupCounts
from service.storage.tables import ANSWERS, FEEDBACK

DAY_S = 86_400.0
FIRST = Answer("rc_1", "acme", "films", 1, {"m1": (0, 0.75), "m2": (1, 0.5)})
SECOND = Answer("rc_2", "acme", "films", 2, {"m1": (0, 0.25)})


@pytest.fixture
def feedback(database: Database) -> Feedback:
    """Two answers of two versions."""
    feedback = Feedback(database)
    feedback.remember([FIRST, SECOND])
    return feedback


def test_answers_are_a_tenants_own(feedback: Feedback) -> None:
    """Read back as they were given; another tenant's do not exist."""
    assert feedback.known("acme", ["rc_1", "rc_2", "rc_3"]) == {"rc_1": FIRST, "rc_2": SECOND}
    assert feedback.known("other", ["rc_1"]) == {}


def test_clicks_are_counted_by_version_and_group(feedback: Feedback) -> None:
    """Worked by hand; a click alone is an impression too, and what is reported twice counts once."""
    deeds = [(Deed("rc_1", "m1", "impression"), FIRST), (Deed("rc_1", "m2", "impression"), FIRST), (Deed("rc_1", "m1", "click"), FIRST)]
    for _ in range(2):
        feedback.add([*deeds, (Deed("rc_2", "m1", "click"), SECOND)])

    assert feedback.counts("acme", "films", DAY_S) == [
        GroupCounts(version=1, group=0, impressions=1, clicks=1, scored=0.75),
        GroupCounts(version=1, group=1, impressions=1, clicks=0, scored=0.5),
        GroupCounts(version=2, group=0, impressions=1, clicks=1, scored=0.25),
    ]
    assert feedback.counts("other", "films", DAY_S) == []


def test_what_is_old_neither_counts_nor_stays(feedback: Feedback, database: Database) -> None:
    """Of a click two days ago and one now, the last day's counts; of what is forgotten, the old answer is gone and the new one stays."""
    feedback.add([(Deed("rc_1", "m1", "click"), FIRST), (Deed("rc_2", "m1", "click"), SECOND)])
    for table, name in ((ANSWERS, "id"), (FEEDBACK, "answer_id")):
        old = table.update().where(table.c[name] == "rc_1").values(at=table.c.at - 2 * DAY_S)
        database.write(lambda connection, old=old: connection.execute(old))  # type: ignore[misc]

    assert [count.version for count in feedback.counts("acme", "films", DAY_S)] == [2]
    assert [count.version for count in feedback.counts("acme", "films", 3 * DAY_S)] == [1, 2]
    assert (feedback.forget(DAY_S), feedback.known("acme", ["rc_1", "rc_2"])) == (1, {"rc_2": SECOND})
    assert [count.version for count in feedback.counts("acme", "films", 3 * DAY_S)] == [2]
