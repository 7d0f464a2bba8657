"""Which events make a shown item a positive row: `click`, or `rating >= 4`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from ihas.errors import RequestError

KIND_PATTERN = r"^[a-z][a-z0-9_]{0,15}$"
"""What a kind of event may be called."""
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq, "!=": operator.ne}
)
RULE = re.compile(r"\s*(?P<kind>[a-z][a-z0-9_]{0,15})\s*(?:(?P<op>>=|<=|==|!=|>|<)\s*(?P<number>[+-]?[0-9.eE+-]{1,32})\s*)?")


@dataclass(frozen=True, slots=True)
class Positive:
    """A rule; an event without a value meets no comparison.

    Attributes:
        kind: kind of the event.
        op: one of `OPERATORS`; None where the kind alone is asked for.
        number: what the event's value is compared with.
    """

    kind: str = "click"
    op: str | None = None
    number: float = 0.0

    @classmethod
    def read(cls, text: str) -> Positive:
        """The rule that a text spells.

        Raises:
            RequestError: it spells none.
        """
        found = RULE.fullmatch(text)
        number = _finite(found["number"]) if found else None
        if found is None or number is None:
            law = "`positive` must be a kind of event, such as click, or a kind, one of " + " ".join(OPERATORS) + " and a number"
            raise RequestError(f"{law}, but got {text[:80]!r}. Write for example: rating >= 4", "/positive")
        return cls(found["kind"], found["op"], number)

    def __str__(self) -> str:
        return self.kind if self.op is None else f"{self.kind} {self.op} {self.number:g}"

    def meets(self, kind: str, value: float | None) -> bool:
        """Whether an event meets the rule."""
        if kind != self.kind or self.op is None:
            return kind == self.kind
        return value is not None and bool(OPERATORS[self.op](value, self.number))

    def met_by(self, kind: sa.ColumnElement[str], value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """The same as a condition over columns."""
        if self.op is None:
            return kind == self.kind
        return sa.and_(kind == self.kind, value.is_not(None), OPERATORS[self.op](value, self.number))


def _finite(text: str | None) -> float | None:
    """The number that a text spells, 0 for none; None where it spells no finite one."""
    try:
        number = float(text or 0.0)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
