"""What was shown, joined with what people did: worked by hand, and as a plain loop in Python joins it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ihas_service.storage.database import Database
from ihas_service.storage.direct_events import DirectEvent, DirectEvents
from ihas_service.storage.feedback import Answer, Deed, Feedback, KeptItem
from ihas_service.storage.positive import Positive
from ihas_service.storage.shown_rows import LeftOut, Placed, RowsAsked, ShownRow, ShownRows
from ihas_service.storage.tables import ANSWER_BYTES, ANSWERS, DIRECT_EVENTS, FEEDBACK, FEEDBACK_SUMS

pytestmark = pytest.mark.full

ADA, BOB = '{"user":"ada"}', '{"user":"bob"}'
ASKED = RowsAsked("acme", "films", since=0.0, until=10_000.0, as_of=10_000.0, window_s=60.0, positive=Positive("click"))


@dataclass
class History:
    """Writes answers and events at times of its own."""

    database: Database

    def answer(self, name: str, at: float, items: Mapping[str, KeptItem], **more: Any) -> None:
        """An answer that was given at a time."""
        answer = Answer(name, "acme", "films", 1, items, **{"context": ADA, **more})
        Feedback(self.database).remember([answer])
        self._move(ANSWERS, ANSWERS.c.id == name, at)

    def deed(self, name: str, at: float, *said: Any, reported: float | None = None) -> None:
        """An event on an item of an answer: item, kind, and a value. It is reported as it happens by default."""
        deed = Deed(name, *said, happened_at=None if reported is None else at)  # type: ignore[misc]
        feedback = Feedback(self.database)
        feedback.add([(deed, feedback.known("acme", [name])[name])])
        found = (FEEDBACK.c.answer_id == name) & (FEEDBACK.c.item_id == deed.item_id) & (FEEDBACK.c.kind == deed.kind)
        self._move(FEEDBACK, found, at if reported is None else reported)

    def direct(self, at: float, item: str, kind: str, value: float | None = None, context: str = ADA) -> None:
        """An event without an answer."""
        event = DirectEvent("acme", "films", context, json.loads(context), item, kind, value, at)
        DirectEvents(self.database).add([event])
        self._move(DIRECT_EVENTS, DIRECT_EVENTS.c.digest == event.digest, at)

    def _move(self, table: sa.Table, which: sa.ColumnElement[bool], at: float) -> None:
        self.database.write(lambda connection: connection.execute(table.update().where(which).values(at=at)))

    def rows(self, **asked: Any) -> list[ShownRow]:
        """The rows, by pages of two."""
        return list(ShownRows(self.database, page=2).rows(replace(ASKED, **asked)))

    def labels(self, **asked: Any) -> list[tuple[float, str, int]]:
        """Time, item and label of the rows."""
        return [(row.at, row.item_id, int(row.positive)) for row in self.rows(**asked)]

    def left_out(self, **asked: Any) -> LeftOut:
        """How many rows are left out."""
        return ShownRows(self.database).left_out(replace(ASKED, **asked))


@pytest.fixture
def history(database: Database) -> History:
    """An empty one."""
    return History(database)


def items(*names: str) -> dict[str, KeptItem]:
    """Items of group 0 with scores that fall."""
    return {name: KeptItem(0, 0.9 - 0.1 * place) for place, name in enumerate(names)}


def test_shown_items_are_rows_and_clicks_make_them_positive(history: History) -> None:
    """Of four items two were seen, one of them clicked, and one was clicked without being seen; the fourth is no row. A second answer
    nobody saw. Ranks are places in the answer, and what chance there was is kept."""
    shown = items("m1", "m2", "m3") | {"m4": KeptItem(2, 0.2, 0.25, True)}
    history.answer("rc_1", 100.0, shown, canary=True)
    history.answer("rc_2", 110.0, items("m1"))
    history.deed("rc_1", 101.0, "m1", "impression")
    history.deed("rc_1", 101.0, "m2", "impression")
    history.deed("rc_1", 130.0, "m1", "click")
    history.deed("rc_1", 131.0, "m4", "click")

    assert history.rows() == [
        ShownRow(100.0, ADA, "m1", True, Placed("rc_1", 1, 0.9, 1.0, 1, 0, True, False)),
        ShownRow(100.0, ADA, "m2", False, Placed("rc_1", 2, 0.8, 1.0, 1, 0, True, False)),
        ShownRow(100.0, ADA, "m4", True, Placed("rc_1", 4, 0.2, 0.25, 1, 2, True, True)),
    ]


def test_an_item_of_a_list_of_two_rankings_is_of_the_version_that_ranked_it(history: History) -> None:
    """Its place was left to chance, so that no propensity is known; a context and a trial take nothing from each other."""
    history.answer("rc_1", 100.0, items("m1", "m2"), challenger={"version": 7, "items": ["m2"]}, trial=3)
    for item in ("m1", "m2"):
        history.deed("rc_1", 101.0, item, "click")

    assert history.rows() == [
        ShownRow(100.0, ADA, "m1", True, Placed("rc_1", 1, 0.9, None, 1, 0, False, False)),
        ShownRow(100.0, ADA, "m2", True, Placed("rc_1", 2, 0.8, None, 7, 0, False, False)),
    ]


def test_the_window_ends_with_its_last_second(history: History) -> None:
    """Of 60 s: a click after 60 s belongs to the answer and one after 61 s does not; an item first seen after it is no row."""
    history.answer("rc_1", 100.0, items("m1", "m2", "m3"))
    history.deed("rc_1", 100.0, "m1", "impression")
    history.deed("rc_1", 160.0, "m1", "click")
    history.deed("rc_1", 100.0, "m2", "impression")
    history.deed("rc_1", 161.0, "m2", "click")
    history.deed("rc_1", 161.0, "m3", "click")

    assert history.labels() == [(100.0, "m1", 1), (100.0, "m2", 0)]
    assert history.labels(window_s=61.0) == [(100.0, "m1", 1), (100.0, "m2", 1), (100.0, "m3", 1)]
    assert history.labels(window_s=0.0) == [(100.0, "m1", 0), (100.0, "m2", 0)]


def test_what_is_reported_twice_is_one(history: History) -> None:
    """The first report of a rating stands, and the row is one."""
    history.answer("rc_1", 100.0, items("m1"))
    for at in (101.0, 102.0):
        history.deed("rc_1", at, "m1", "impression")
    history.deed("rc_1", 103.0, "m1", "rating", 5.0)
    history.deed("rc_1", 103.0, "m1", "rating", 1.0)

    assert history.labels(positive=Positive("rating", ">=", 4.0)) == [(100.0, "m1", 1)]
    assert history.labels(positive=Positive("rating", "<", 4.0)) == [(100.0, "m1", 0)]


def test_a_rule_asks_for_a_kind_or_a_value(history: History) -> None:
    """An item that was put into the cart was shown, whatever the rule asks for; a rating without a value meets no comparison."""
    history.answer("rc_1", 100.0, items("m1", "m2", "m3"))
    history.deed("rc_1", 101.0, "m1", "cart")
    history.deed("rc_1", 101.0, "m2", "rating", 4.0)
    history.deed("rc_1", 101.0, "m3", "rating")

    assert [label for *_, label in history.labels()] == [0, 0, 0]
    assert [label for *_, label in history.labels(positive=Positive("cart"))] == [1, 0, 0]
    assert [label for *_, label in history.labels(positive=Positive("rating", ">=", 4.0))] == [0, 1, 0]
    assert [label for *_, label in history.labels(positive=Positive("rating"))] == [0, 1, 1]


def test_a_stated_time_decides_and_not_that_of_the_report(history: History) -> None:
    """A click within the window, reported long after it, counts; not in what was known before the report."""
    history.answer("rc_1", 100.0, items("m1"))
    history.deed("rc_1", 100.0, "m1", "impression")
    history.deed("rc_1", 150.0, "m1", "click", reported=900.0)

    assert history.labels() == [(100.0, "m1", 1)]
    assert history.labels(as_of=899.0) == [(100.0, "m1", 0)]


def test_rows_whose_window_has_not_ended_wait_and_are_counted(history: History) -> None:
    """At 200 s a window of 60 s has ended for answers before 140 s. Asked for, the others come too; later they come by themselves."""
    for name, at in (("rc_1", 100.0), ("rc_2", 140.0), ("rc_3", 199.0)):
        history.answer(name, at, items("m1", "m2"))
        history.deed(name, at, "m1", "impression")
        history.deed(name, at, "m2", "impression")
    history.direct(139.0, "m9", "click")
    history.direct(141.0, "m9", "click")

    assert history.labels(as_of=200.0) == [(100.0, "m1", 0), (100.0, "m2", 0), (139.0, "m9", 1)]
    assert history.left_out(as_of=200.0) == LeftOut(open=5, without_context=0)
    assert len(history.labels(as_of=200.0, open=True)) == 8
    assert history.left_out(as_of=200.0, open=True) == LeftOut(0, 0)
    assert len(history.labels(as_of=300.0)) == 8
    assert history.labels(as_of=200.0, since=100.5) == [(139.0, "m9", 1)]
    assert history.labels(as_of=200.0, until=139.0) == [(100.0, "m1", 0), (100.0, "m2", 0)]


def test_answers_without_a_context_are_no_rows_and_are_counted(history: History) -> None:
    """Those of an older release, and those whose context was too large."""
    history.answer("rc_1", 100.0, items("m1"), context=None)
    history.deed("rc_1", 100.0, "m1", "click")

    assert (history.rows(), history.left_out()) == ([], LeftOut(0, 1))


def test_rows_are_a_tenants_and_a_models_own(history: History) -> None:
    """Neither another tenant nor another model sees any."""
    history.answer("rc_1", 100.0, items("m1"))
    history.deed("rc_1", 100.0, "m1", "click")
    history.direct(100.0, "m1", "click")

    assert len(history.rows()) == 2
    assert history.rows(tenant="other") == history.rows(model="songs") == []
    assert history.left_out(tenant="other", as_of=110.0) == LeftOut(0, 0)


def test_events_without_an_answer_become_rows(history: History) -> None:
    """Worked by hand. m1: seen, then clicked: one positive row, at the click. m2: seen twice: two rows. m3: put into the cart after it was
    seen: the row is that of the impression. m4: put into the cart, then bought: one negative row. m5: clicked twice: two rows; m6: seen,
    and clicked after the window: two rows. m7: of another context, so that bob's click says nothing of ada's impression."""
    history.direct(100.0, "m1", "impression")
    history.direct(110.0, "m1", "click")
    history.direct(101.0, "m2", "impression")
    history.direct(111.0, "m2", "impression")
    history.direct(102.0, "m3", "impression")
    history.direct(112.0, "m3", "cart")
    history.direct(103.0, "m4", "cart")
    history.direct(113.0, "m4", "purchase")
    history.direct(104.0, "m5", "click")
    history.direct(114.0, "m5", "click")
    history.direct(105.0, "m6", "impression")
    history.direct(166.0, "m6", "click")
    history.direct(106.0, "m7", "impression")
    history.direct(107.0, "m7", "click", context=BOB)

    expected = [
        (101.0, "m2", 0),
        (102.0, "m3", 0),
        (103.0, "m4", 0),
        (104.0, "m5", 1),
        (105.0, "m6", 0),
        (106.0, "m7", 0),
        (107.0, "m7", 1),
    ]
    expected += [(110.0, "m1", 1), (111.0, "m2", 0), (114.0, "m5", 1), (166.0, "m6", 1)]
    assert history.labels() == expected
    assert {row.placed for row in history.rows()} == {None}


def test_equal_events_without_an_answer_are_one_however_they_are_spelt(history: History) -> None:
    """Of the same cells in another order and another spelling, at the same time; a second later it is another event."""
    for context in ('{"user":7,"hour":"12"}', '{"hour":12.0,"user":"7"}', '{"hour":" 12","user":7,"day":null}'):
        history.direct(100.0, "m1", "rating", 3.0, context=context)
    history.direct(101.0, "m1", "rating", 4.0, context='{"user":7,"hour":"12"}')

    assert [(row.at, row.context) for row in history.rows(positive=Positive("rating"))] == [
        (100.0, '{"user":7,"hour":"12"}'),
        (101.0, '{"user":7,"hour":"12"}'),
    ]


NAMES = ("m1", "m2", "m3")
TIMES = st.integers(0, 40).map(lambda step: 100.0 + step)
KINDS = st.sampled_from(("impression", "click", "cart", "rating"))
VALUES = st.sampled_from((None, 2.0, 4.0, 5.0))
ANSWERED = st.lists(st.tuples(TIMES, st.permutations(NAMES), st.booleans(), st.booleans()), max_size=6)
DEEDS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(NAMES), KINDS, VALUES, TIMES, TIMES), max_size=25)
DIRECT = st.lists(st.tuples(TIMES, st.sampled_from(NAMES[:2]), KINDS, VALUES, st.sampled_from((ADA, BOB)), TIMES), max_size=12)
RULES = st.sampled_from((Positive("click"), Positive("rating", ">=", 4.0), Positive("cart")))
QUESTIONS = st.builds(
    lambda since, length, as_of, window, rule, open_: replace(
        ASKED, since=since, until=since + length, as_of=as_of, window_s=window, positive=rule, open=open_
    ),
    TIMES,
    st.integers(1, 40).map(float),
    TIMES.map(lambda at: at + 10.0),
    st.sampled_from((0.0, 1.0, 5.0, 30.0)),
    RULES,
    st.booleans(),
)
Story = tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def story(answered: Sequence[Any], deeds: Sequence[Any], direct: Sequence[Any]) -> Story:
    """Rows of the three tables; of equal keys the first."""
    answers = [
        {"id": f"rc_{number}", "tenant": "acme", "model": "films", "version": 1, "at": at, "canary": canary,
         "items": {name: [0, 0.5] for name in names}, "context": None if bare else ADA}
        for number, (at, names, canary, bare) in enumerate(answered)
    ]  # fmt: skip
    feedback: dict[tuple[str, str, str], dict[str, Any]] = {}
    for number, item, kind, value, happened, reported in deeds:
        if number < len(answers):
            row = {"tenant": "acme", "model": "films", "version": 1, "group": 0, "score": 0.5, "at": reported, "value": value}
            key = (f"rc_{number}", item, kind)
            feedback.setdefault(key, {**row, "answer_id": key[0], "item_id": item, "kind": kind, "happened_at": happened})
    events = (DirectEvent("acme", "films", context, json.loads(context), *one) for *one, context, _ in map(_in_order, direct))
    found = {event.digest: event.row(reported) for event, (*_, reported) in zip(events, direct, strict=True)}
    return answers, list(feedback.values()), list(found.values())


def _in_order(one: Sequence[Any]) -> tuple[Any, ...]:
    at, item, kind, value, context, reported = one
    return item, kind, value, at, context, reported


def naive(asked: RowsAsked, told: Story) -> list[tuple[float, str, str, bool]]:
    """The law, read aloud: time, context, item and label of each row."""
    answers, feedback, direct = told
    end = min(asked.until, asked.as_of if asked.open else asked.as_of - asked.window_s)
    found = []
    for answer in sorted(answers, key=lambda one: (one["at"], one["id"])):
        if answer["context"] is None or not asked.since <= answer["at"] < end:
            continue
        for item in answer["items"]:
            events = [one for one in feedback if (one["answer_id"], one["item_id"]) == (answer["id"], item) and one["at"] <= asked.as_of]
            within = [one for one in events if one["happened_at"] <= answer["at"] + asked.window_s]
            if within:
                met = any(asked.positive.meets(one["kind"], one["value"]) for one in within)
                found.append((answer["at"], answer["context"], item, met))
    known = [one for one in direct if one["at"] <= asked.as_of]
    for one in sorted(known, key=lambda event: (event["happened_at"], event["digest"])):
        if asked.since <= one["happened_at"] < end:
            label = _label(asked, one, [other for other in known if other["place"] == one["place"] and other is not one])
            found += [] if label is None else [(one["happened_at"], one["context"], one["item_id"], label)]
    return sorted(found, key=lambda row: row[0])


def _label(asked: RowsAsked, event: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> bool | None:
    """The label of an event without an answer; None where it is no row."""
    if asked.positive.meets(event["kind"], event["value"]):
        return True
    at = event["happened_at"]
    if any(at <= one["happened_at"] <= at + asked.window_s and asked.positive.meets(one["kind"], one["value"]) for one in others):
        return None
    if event["kind"] == "impression":
        return False
    earlier = [one for one in others if at - asked.window_s <= one["happened_at"] <= at]
    order = (at, 1, event["digest"])
    return None if any((one["happened_at"], int(one["kind"] != "impression"), one["digest"]) < order for one in earlier) else False


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANSWERED, DEEDS, DIRECT, QUESTIONS, st.integers(1, 4))
def test_pages_join_what_a_loop_joins(database: Database, answered: Any, deeds: Any, direct: Any, asked: RowsAsked, page: int) -> None:
    """Any history, any question, pages of any size; and what is left out of a question without `open` is what `open` adds."""
    told = story(answered, deeds, direct)
    database.write(lambda connection: _write(connection, told))
    rows = ShownRows(database, page)
    found = [tuple(row[:4]) for row in rows.rows(asked)]

    assert found == naive(asked, told)
    with_open = replace(asked, open=True, until=min(asked.until, asked.as_of))
    closed = replace(with_open, open=False)
    assert len(naive(with_open, told)) - len(naive(closed, told)) == rows.left_out(closed).open


def _write(connection: sa.Connection, told: Story) -> None:
    for table in (FEEDBACK, DIRECT_EVENTS, ANSWERS, ANSWER_BYTES, FEEDBACK_SUMS):
        connection.execute(table.delete())
    for table, rows in zip((ANSWERS, FEEDBACK, DIRECT_EVENTS), told, strict=True):
        if rows:
            connection.execute(table.insert(), rows)
