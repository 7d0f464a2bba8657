"""Answers whose order was left to chance, with their labels, newest first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ihas_service.storage.database import VERSION, Database, bring_up_to_date
from ihas_service.storage.drawn_answers import DrawnAnswer, DrawnAnswers
from ihas_service.storage.feedback import Answer, Feedback, KeptItem
from tests.service.storage.rewinding import drop_0012
from tests.service.storage.test_shown_rows import ADA, ASKED, History

pytestmark = pytest.mark.full

CHANCE = {"m1": KeptItem(0, 0.9, 0.55, False), "m2": KeptItem(1, 0.4, 0.05, False)}


def newest(database: Database, most: int = 100, **asked: Any) -> list[DrawnAnswer]:
    """What is read, by pages of two."""
    return list(DrawnAnswers(database, page=2).newest(replace(ASKED, **asked), most))


def test_answers_come_newest_first_with_what_was_positive(database: Database) -> None:
    """Within the window after each; answers of a fixed order, of others, and those whose window has not ended are left out."""
    history = History(database)
    for number in range(5):
        history.answer(f"rc_{number}", 100.0 * number, CHANCE, pool=[f"p{number}", "m9"])
    history.answer("rc_fixed", 500.0, {"m1": KeptItem(0, 0.9)})
    history.answer("rc_late", 9_950.0, CHANCE, pool=[])
    history.deed("rc_3", 330.0, "m2", "click")
    history.deed("rc_1", 170.0, "m2", "click")
    history.deed("rc_2", 210.0, "m1", "impression")
    Feedback(database).remember([Answer("rc_other", "other", "films", 1, CHANCE, context=ADA, pool=[])])
    found = newest(database)

    assert [one.pool[0] for one in found] == ["p4", "p3", "p2", "p1", "p0"]
    assert [one.positive for one in found] == [frozenset(), frozenset({"m2"}), frozenset(), frozenset(), frozenset()]
    assert found[0] == DrawnAnswer(1, ADA, CHANCE, frozenset(), ["p4", "m9"])
    assert [one.pool[0] for one in newest(database, most=3)] == ["p4", "p3", "p2"]
    assert [one.pool[0] for one in newest(database, since=150.0, until=350.0)] == ["p3", "p2"]
    assert len(newest(database, open=True)) == 6


def test_an_answer_takes_the_bytes_of_its_pool() -> None:
    """What it says of chance, and the ids that might have stood there."""
    plain = Answer("rc_1", "acme", "films", 1, CHANCE)

    assert replace(plain, pool=["m3", "m44"]).bytes == plain.bytes + 2 * 28 + 2 + 3 + 2 * 4


def test_answers_of_the_form_before_are_read_on(database: Database) -> None:
    """None of them was left to chance."""
    History(database).answer("rc_1", 100.0, {"m1": KeptItem(0, 0.9)})

    def back(connection: sa.Connection) -> None:
        drop_0012(connection)
        connection.execute(VERSION.update().values(version_num="0011"))

    database.write(back)
    bring_up_to_date(database._engine.url.render_as_string(hide_password=False))
    History(database).answer("rc_2", 200.0, CHANCE, pool=["m3"])

    assert [one.pool for one in newest(database)] == [["m3"]]
    assert set(Feedback(database).known("acme", ["rc_1", "rc_2"])) == {"rc_1", "rc_2"}
