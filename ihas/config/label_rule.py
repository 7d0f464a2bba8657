"""Settings `columns.positive`: which cells of the label column count as a click."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

ALLOWED = "Allowed are a value such as 'yes', several such as ['bought', 'paid'], or '>=', '>', '<=' or '<' and a number, as in '>= 4'."
_COMPARISON = re.compile(r"(>=|>|<=|<)\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
Positive = str | tuple[str, ...]


@dataclass(frozen=True)
class LabelRule:
    """A rule that says of a cell whether it is positive.

        rule       = value | "[" value { "," value } "]" | comparison
        comparison = (">=" | ">" | "<=" | "<") decimal number

    Attributes:
        values: the positive values; empty under a comparison.
        comparison: `>=`, `>`, `<=`, `<`, or empty.
        bound: what cells are compared with.
    """

    values: tuple[str, ...] = ()
    comparison: str = ""
    bound: float = math.nan

    @classmethod
    def parse(cls, positive: Positive) -> LabelRule:
        """The rule that a setting states; ValueError for anything else, which says what is allowed."""
        texts = (positive,) if isinstance(positive, str) else positive
        if not texts or not all(text.strip() for text in texts):
            raise ValueError(f"`positive` must name a value, but got {positive!r}. {ALLOWED}")
        if isinstance(positive, str) and positive.strip()[0] in "<>=!":
            return cls._compared(positive.strip())
        return cls(values=tuple(text.strip() for text in texts))

    @classmethod
    def _compared(cls, text: str) -> LabelRule:
        found = _COMPARISON.fullmatch(text)
        if found is None or not math.isfinite(float(found[2])):
            raise ValueError(f"`positive` must be a comparison with a finite number, but got {text!r}. {ALLOWED}")
        return cls(comparison=found[1], bound=float(found[2]))

    def __str__(self) -> str:
        """The rule, for a person."""
        return f"{self.comparison} {self.bound:g}" if self.comparison else " or ".join(map(repr, self.values))
