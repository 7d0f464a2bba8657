"""A filter as a value, and the items that meet it.

    compared:   some value v of the item's field has  v = x,  v < x, ...,  v in {x, y, ...}
    not a, a and b, a or b:   of what a and b say of the same item

An item whose field is missing has no value, so that every comparison with it is false, `is missing` and `!=` are true: two truth
values, not SQL's three (our choice).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Literal, NoReturn, Protocol

import numpy as np

from ihas.data.cells import Scalar, cell_text
from ihas.data.item_table import FieldValues
from ihas.errors import RequestError
from ihas.extensions.suggest import did_you_mean

Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "in", "has"]
ORDER: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
POINTER = "/filter"


class Node(Protocol):
    """A part of a filter that is true or false of each item."""

    @property
    def depth(self) -> int:
        """Nodes on the longest way down, this one among them."""

    def meet(self, fields: Mapping[str, FieldValues]) -> np.ndarray:
        """Items that meet it: bool (num_items,).

        Args:
            fields: item fields by name; at least one.

        Raises:
            RequestError: it names no field of them, or asks of it what its values cannot answer.
        """


@dataclass(frozen=True)
class Field:
    """A field's name, and where it stands in the text, from 1."""

    name: str
    column: int

    def values(self, fields: Mapping[str, FieldValues]) -> FieldValues:
        """The field's values; RequestError where there is no such field."""
        if self.name not in fields:
            refuse(self.column, f"`{self.name}` is none of the item fields: {', '.join(fields)}.{did_you_mean(self.name, fields)}")
        return fields[self.name]


@dataclass(frozen=True)
class Compared:
    """A field compared with literals: one, or several for `in`."""

    field: Field
    comparison: Comparison
    literals: tuple[Scalar, ...]
    depth: int = 1

    def meet(self, fields: Mapping[str, FieldValues]) -> np.ndarray:
        """See `Node.meet`."""
        values = self.field.values(fields)
        self._check(values)
        if self.comparison in ORDER:
            return values.holding(ORDER[self.comparison](values.numbers, float(self.literals[0])))
        found = values.holding(reduce(np.logical_or, [_equal(values, literal) for literal in self.literals]))
        return ~found if self.comparison == "!=" else found

    def _check(self, values: FieldValues) -> None:
        name, sign = self.field.name, self.comparison
        if values.multivalued and sign in ("==", "!="):
            refuse(self.field.column, f"`{name}` holds several values, so `{sign}` cannot be asked. Write `{name} has ...`, or `not`.")
        if not values.multivalued and sign == "has":
            refuse(self.field.column, f"`{name}` holds one value, so `has` cannot be asked. Write `{name} == ...`.")
        if sign in ORDER and (isinstance(self.literals[0], bool) or not isinstance(self.literals[0], int | float)):
            refuse(self.field.column, f"`{sign}` compares numbers, but `{name}` is compared with {self.literals[0]!r}. Write a number.")
        if sign in ORDER and values.texts and np.isnan(values.numbers).all():
            refuse(self.field.column, f"`{sign}` compares numbers, but `{name}` holds texts such as {values.texts[0]!r}. Use `==` or `in`.")


@dataclass(frozen=True)
class Missing:
    """A field without a value."""

    field: Field
    depth: int = 1

    def meet(self, fields: Mapping[str, FieldValues]) -> np.ndarray:
        """See `Node.meet`."""
        return np.asarray(np.diff(self.field.values(fields).offsets) == 0)


@dataclass(frozen=True)
class Not:
    """The opposite."""

    node: Node

    @property
    def depth(self) -> int:
        """See `Node.depth`."""
        return 1 + self.node.depth

    def meet(self, fields: Mapping[str, FieldValues]) -> np.ndarray:
        """See `Node.meet`."""
        return ~self.node.meet(fields)


@dataclass(frozen=True)
class Joined:
    """All of several parts, or at least one of them."""

    nodes: tuple[Node, ...]
    every: bool
    depth: int

    def meet(self, fields: Mapping[str, FieldValues]) -> np.ndarray:
        """See `Node.meet`."""
        return np.asarray(reduce(np.logical_and if self.every else np.logical_or, [node.meet(fields) for node in self.nodes]))


def _equal(values: FieldValues, literal: Scalar) -> np.ndarray:
    """Texts that mean a literal: bool (texts,). A number is met by every spelling of it."""
    text = cell_text(literal)
    found = np.fromiter((own == text for own in values.texts), bool, len(values.texts))
    if isinstance(literal, int | float) and not isinstance(literal, bool):
        found |= values.numbers == float(literal)
    return found


def refuse(column: int, message: str) -> NoReturn:
    """Refuse a filter, with the column of its text at which it goes wrong, from 1."""
    raise RequestError(f"Column {column} of the filter: {message}", POINTER)
