"""Ages of candidates, against encoding each candidate's whole row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.data.ages import Age, age_slots, ages_of, without_ages
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder, FieldEncoder, NumericEncoder, PiecewiseEncoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Timestamp
from ihas.serving.grouped.item_ages import ItemAges

HOURS = tuple(map(str, range(24)))
NAME = "at.days_since.out"
STAMPS = (
    Timestamp(name="at", parts=("hour",), zone="Europe/Berlin", days_since=("out",)),
    Timestamp(name="out", parts=("hour",), zone="Europe/Berlin", missing=("?",)),
)
TIMES = ("2024-10-20", "2024-10-26T12:00", "1729944000", "2025-01-01T00:00:00Z", "?")
BUCKETS = NumericEncoder(name=NAME, role="context", edges=(-1.0, 0.0, 1.0, 1.5, 30.0))
KNOTS = PiecewiseEncoder(name=NAME, role="context", knots=(0.0, 1.0, 4.0, 30.0))


def _encoder(age: NumericEncoder | PiecewiseEncoder) -> Encoder:
    fields: tuple[FieldEncoder, ...] = (
        CategoricalEncoder(name="at.hour", role="context", values=HOURS),
        CategoricalEncoder(name="out.hour", role="item", values=HOURS),
        age,
        CategoricalEncoder(name="item", role="item", values=("a", "b")),
        CategoricalEncoder(name="user", role="context", values=("u",)),
    )
    return Encoder(fields=fields, timestamps=STAMPS)


def _items(encoder: Encoder) -> ItemTable:
    """Six items, the last of which has no time."""
    stated: list[dict[str, Any]] = [{"out": text} for text in TIMES] + [{}]
    ids = encoder.encode_rows(stated, encoder.names_of("item"))
    values = {"out": FieldValues.single(TIMES, np.array([0, 1, 2, 3, 4, -1]))}
    return ItemTable(tuple("abcdef"), ids, np.ones(6, np.int32), values)


@pytest.mark.parametrize("age", [BUCKETS, KNOTS])
@pytest.mark.parametrize("at", ["2024-10-27T12:00", "2024-10-26T12:00:00Z", 1_735_689_600, "2020-02-29"])
def test_a_candidate_has_the_ids_of_its_row(age: NumericEncoder | PiecewiseEncoder, at: Any) -> None:
    """At every time, over the end of summer time, of items without a time too; in any order and number of candidates."""
    encoder = _encoder(age)
    items, stated = _items(encoder), {"user": "u", "at": at}
    context = encoder.encode_row(stated, encoder.names_of("context"))
    positions = np.array([5, 0, 3, 3, 1, 4, 2])
    contexts, which = ItemAges(encoder, items).contexts(context, stated, positions)
    texts = [*TIMES, None]
    rows = [{**stated, "out": texts[place]} for place in positions.tolist()]
    expected = encoder.encode_rows(rows)[:, encoder.slots_of("context")]
    np.testing.assert_array_equal(contexts[which], expected)
    assert len(contexts) == len(np.unique(expected, axis=0))


@pytest.mark.parametrize("stated", [{}, {"at": None}, {"at.hour": "3"}, {"at": "2024-10-27", NAME: 2.0}])
def test_a_context_stays_where_it_says_no_time_or_the_age(stated: dict[str, Any]) -> None:
    """One context, as it was read."""
    encoder = _encoder(BUCKETS)
    context = encoder.encode_row(stated, encoder.names_of("context"))
    contexts, which = ItemAges(encoder, _items(encoder)).contexts(context, stated, np.arange(6))
    np.testing.assert_array_equal(contexts, context[None])
    assert not which.any()


def test_items_without_values_have_no_ages() -> None:
    """A bundle that does not say their times leaves ages missing."""
    encoder = _encoder(KNOTS)
    bare = ItemTable(tuple("abcdef"), _items(encoder).ids, np.ones(6, np.int32), None)
    stated = {"at": "2024-10-27"}
    context = encoder.encode_row(stated, encoder.names_of("context"))
    np.testing.assert_array_equal(ItemAges(encoder, bare).contexts(context, stated, np.arange(6))[0], context[None])


def test_what_is_an_age() -> None:
    """Days from a time of the item to one of the request; between two of one side they are a field as any other."""
    encoder = _encoder(BUCKETS)
    assert ages_of(encoder.fields, STAMPS) == (Age(NAME, *STAMPS),)
    both = [field.model_copy(update={"role": "context"}) for field in encoder.fields]
    assert ages_of(both, STAMPS) == ()
    ids = encoder.encode_rows([{"at": "2024-10-27", "out": TIMES[0]}, {"at": "2024-10-27"}])
    slots = age_slots(encoder, NAME)
    assert (without_ages(encoder, ids)[:, slots] == ids[1, slots]).all()
    plain = Encoder(fields=tuple(both), timestamps=STAMPS)
    assert without_ages(plain, ids) is ids
