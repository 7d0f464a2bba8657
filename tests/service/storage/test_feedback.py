"""Answers and what people did: counted once, by version and group."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat

import pytest
import sqlalchemy as sa

from ihas_service.storage import feedback as module
from ihas_service.storage.database import VERSION, Database, bring_up_to_date
from ihas_service.storage.feedback import Answer, Deed, Feedback, GroupCounts, KeptItem
from ihas_service.storage.feedback_bytes import EVENT_BYTES
from ihas_service.storage.feedback_sums import HOUR_S
from ihas_service.storage.tables import ANSWER_BYTES, ANSWERS, DIRECT_EVENTS, FEEDBACK, FEEDBACK_SUMS, MODEL_NUMBERS, REMOVALS
from tests.service.storage.rewinding import drop_0009, drop_0010, drop_0011, drop_0012, drop_columns

pytestmark = pytest.mark.full

DAY_S = 86_400.0
INDICES_OF_0007 = ("datasets_tenant", "jobs_dataset", "jobs_bytes", "jobs_finished", "answers_of_tenant")
COLUMNS_OF_0007 = (("datasets", "deleted_at"), ("jobs", "bytes"), ("jobs", "emptied"), ("model_versions", "bytes"), ("answers", "bytes"))
COLUMNS_OF_0008 = (("answers", "context"), ("answers", "canary"), ("feedback", "value"), ("feedback", "happened_at"))
FIRST = Answer("rc_1", "acme", "films", 1, {"m1": KeptItem(0, 0.75), "m2": KeptItem(1, 0.5)})
SECOND = Answer("rc_2", "acme", "films", 2, {"m1": KeptItem(0, 0.25)})


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


def test_running_sums_say_what_the_events_say(feedback: Feedback) -> None:
    """In any order, reported twice or at once: an item is shown once, a click is one, and the score is that of the item."""
    deeds = [(Deed("rc_1", "m1", "click"), FIRST), (Deed("rc_1", "m1", "impression"), FIRST), (Deed("rc_1", "m2", "impression"), FIRST)]
    for _ in range(2):
        feedback.add(deeds)
        feedback.add([(Deed("rc_2", "m1", "impression"), SECOND)])
    feedback.add([(Deed("rc_2", "m1", "click"), SECOND)])

    assert feedback.everywhere(DAY_S) == [("acme", "films", counts) for counts in feedback.counts("acme", "films", DAY_S)]
    assert [counts.scored for _, _, counts in feedback.everywhere(DAY_S)] == [0.75, 0.5, 0.25]


def test_a_click_counts_in_the_hour_of_its_item(feedback: Feedback, database: Database) -> None:
    """Whenever it comes; hours that lie before the window are left out, and are forgotten."""
    feedback.add([(Deed("rc_1", "m1", "impression"), FIRST)])
    for table, column, by in ((FEEDBACK, "at", 2 * DAY_S), (FEEDBACK_SUMS, "hour", int(2 * DAY_S / HOUR_S))):
        earlier = table.update().values({column: table.c[column] - by})
        database.write(lambda connection, earlier=earlier: connection.execute(earlier))  # type: ignore[misc]
    feedback.add([(Deed("rc_1", "m1", "click"), FIRST)])

    assert feedback.everywhere(DAY_S) == []
    assert feedback.everywhere(3 * DAY_S) == [("acme", "films", GroupCounts(version=1, group=0, impressions=1, clicks=1, scored=0.75))]
    feedback.forget(DAY_S)
    assert feedback.everywhere(3 * DAY_S) == []


def test_what_is_old_goes_in_short_transactions(feedback: Feedback, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five answers and five clicks, two at a time: between two transactions others may write, or stop it."""
    monkeypatch.setattr(module, "BATCH", 2)
    feedback.forget(-DAY_S)
    answers = [Answer(f"rc_{number}", "acme", "films", 1, {"m1": KeptItem(0, 0.5)}) for number in range(3, 8)]
    feedback.remember(answers)
    feedback.add([(Deed(answer.id, "m1", "click"), answer) for answer in answers])
    calls, asked = iter(chain([True] * 2, repeat(False))), []

    def go_on() -> bool:
        asked.append(len(database.read(sa.select(FEEDBACK))))
        return next(calls)

    assert feedback.forget(-DAY_S, go_on) == 2
    assert asked == [3, 1, 0]
    assert feedback.forget(-DAY_S) == 3
    assert feedback.known("acme", [answer.id for answer in answers]) == {}


def test_what_is_old_is_found_by_an_index(database: Database) -> None:
    """Of answers and of feedback, so that the writer's lock is not held while a table is read."""
    for table in (ANSWERS, FEEDBACK):
        found = sa.inspect(database._engine).get_indexes(table.name)
        assert ["at"] in [index["column_names"] for index in found]


def test_what_was_reported_before_there_were_sums_is_summed_up(feedback: Feedback, database: Database) -> None:
    """A database of the form before has events alone: migrated, its sums are those that reports would have made."""
    feedback.add([(Deed("rc_1", "m1", "click"), FIRST), (Deed("rc_1", "m1", "impression"), FIRST), (Deed("rc_2", "m1", "click"), SECOND)])
    expected = feedback.everywhere(DAY_S)

    def back(connection: sa.Connection) -> None:
        drop_0012(connection)
        drop_0011(connection)
        drop_0010(connection)
        drop_0009(connection)
        for table in (FEEDBACK_SUMS, MODEL_NUMBERS, REMOVALS, ANSWER_BYTES, DIRECT_EVENTS):
            table.drop(connection)
        for name in ("answers_time", "feedback_time", *INDICES_OF_0007):
            connection.exec_driver_sql(f"drop index {name}")
        drop_columns(connection, COLUMNS_OF_0007 + COLUMNS_OF_0008)
        connection.execute(VERSION.update().values(version_num="0005"))

    database.write(back)
    bring_up_to_date(database._engine.url.render_as_string(hide_password=False))
    assert feedback.everywhere(DAY_S) == expected
    assert len(expected) == 2
    assert feedback.used("acme") == 3 * EVENT_BYTES


def many(number: int, tenant: str = "acme") -> list[Answer]:
    """Answers of 300 bytes each, by the estimate."""
    return [Answer(f"rc_{tenant}_{one}", tenant, "films", 1, {"x" * 70: KeptItem(0, 0.5)}) for one in range(number)]


def test_what_is_kept_is_counted(database: Database) -> None:
    """Worked by hand: 200 bytes an answer, 30 an item with the length of its id, 200 an event; what is forgotten counts no more."""
    feedback = Feedback(database)
    feedback.remember(many(2))
    feedback.remember(many(1, "other"))
    feedback.add([(Deed(answer.id, "x" * 70, kind), answer) for answer in many(2) for kind in ("impression", "click", "click")])

    assert (feedback.used("acme"), feedback.used("other"), feedback.used("nobody")) == (2 * 300 + 4 * 200, 300, 0)
    feedback.forget(-DAY_S)
    assert (feedback.used("acme"), feedback.used("other")) == (0, 0)


def test_above_the_quota_the_oldest_answers_go_with_their_events(database: Database) -> None:
    """Of five answers of 300 bytes, 1,000 bytes hold the newest three; an event on one of these takes the place of one more."""
    feedback, answers = Feedback(database, max_bytes=1_000), many(6)
    feedback.remember(many(1, "other"))
    for answer in answers[:4]:
        feedback.remember([answer])
        feedback.add([(Deed(answer.id, "x" * 70, "click"), answer)] if answer is answers[0] else [])
    assert set(feedback.known("acme", [one.id for one in answers])) == {one.id for one in answers[1:4]}
    assert feedback.counts("acme", "films", DAY_S) == []
    feedback.add([(Deed(answers[3].id, "x" * 70, "click"), answers[3])])
    feedback.remember(answers[4:5])

    assert set(feedback.known("acme", [one.id for one in answers])) == {answers[3].id, answers[4].id}
    assert (feedback.used("acme"), feedback.used("other")) == (2 * 300 + 200, 300)


def test_several_who_remember_keep_to_the_quota(database: Database) -> None:
    """Eight threads write forty answers of 300 bytes each: the sum is that of the rows, and no more than 3,000 bytes stay."""
    feedback = Feedback(database, max_bytes=3_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda answer: feedback.remember([answer]), many(40)))
    kept = database.read(sa.select(ANSWERS.c.bytes))

    assert (feedback.used("acme"), len(kept)) == (3_000, 10)
