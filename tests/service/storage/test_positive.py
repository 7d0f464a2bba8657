"""Rules for positive rows: read, printed, and met alike by Python and by the database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ihas.errors import RequestError
from ihas_service.storage.database import Database
from ihas_service.storage.positive import OPERATORS, Positive

pytestmark = pytest.mark.full


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("click", Positive("click")),
        ("rating >= 4", Positive("rating", ">=", 4.0)),
        ("  add_to_cart2  ", Positive("add_to_cart2")),
        ("rating>-.5e1", Positive("rating", ">", -5.0)),
        ("price!=0", Positive("price", "!=", 0.0)),
    ],
)
def test_a_kind_or_a_comparison_is_read(text: str, rule: Positive) -> None:
    """White space means nothing; a printed rule reads as itself."""
    assert Positive.read(text) == rule == Positive.read(str(rule))


@pytest.mark.parametrize(
    "text",
    ["", "Click", "1click", "click click", "rating >=", "rating >= four", "rating = 4", "rating >= 4 and click",
     "rating >= 1e999", "x" * 17, "rating >= ٤", "click\n;drop"],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    """The refusal shows the text, the operators and an example."""
    with pytest.raises(RequestError, match="must be a kind of event.*>= > <= < == !=.*rating >= 4"):
        Positive.read(text)


def test_the_database_finds_what_python_finds(database: Database) -> None:
    """Every operator on values below, at and above the number, on none, and on another kind."""
    events = [("rating", value) for value in (None, 3.5, 4.0, 4.5)] + [("click", 4.0), ("click", None)]
    for rule in [Positive("rating"), *(Positive("rating", op, 4.0) for op in OPERATORS)]:
        for kind, value in events:
            columns = sa.select(sa.literal(kind, sa.String).label("kind"), sa.cast(value, sa.Double).label("value")).subquery()
            met = sa.select(sa.case((rule.met_by(columns.c.kind, columns.c.value), 1), else_=0).label("met"))
            assert database.read(met)[0]["met"] == rule.meets(kind, value), (rule, kind, value)
