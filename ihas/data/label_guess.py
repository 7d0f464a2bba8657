"""What labels other than 0 and 1 say: told from two texts of which one says yes, proposed for anything else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.columns import Column, numbers

PAIRS = (("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("positive", "negative"), ("clicked", "not clicked"), ("1", "-1"))
"""Texts of labels in lower case, the one that says yes before the other."""
RATING_NAMES = ("rating", "ratings", "stars", "score")
UPPER_PART = 0.75
"""Share of a scale's largest value from which on a rating is proposed as a click: 4 of 5, 8 of 10."""
MAX_RATINGS = 100
_NUM_TOLD = 6


def told_pair(column: Column) -> tuple[str, str] | None:
    """The text that says yes and the one that says no, where the column holds just those of a pair; None for 0 and 1 and anything else."""
    used = used_texts(column)
    lowered = {text.lower(): text for text in used}
    return next(((lowered[yes], lowered[no]) for yes, no in PAIRS if len(used) == 2 and set(lowered) == {yes, no}), None)


def is_rating(name: str, column: Column) -> bool:
    """Whether a column is called like one of ratings and holds a few numbers."""
    used = column.texts.filter(pa.array(column.counts > 0))
    return name.strip().lower() in RATING_NAMES and 2 < len(used) <= MAX_RATINGS and bool(np.isfinite(numbers(used)).all())


def proposed_rule(column: Column) -> str:
    """A rule for `columns.positive`: what says yes, of numbers the upper quarter of the scale, else the rarest value."""
    pair, used = told_pair(column), np.flatnonzero(column.counts)
    if pair is not None:
        return pair[0]
    values = numbers(column.texts)[used]
    if values.size and np.isfinite(values).all():
        return f">= {np.ceil(values.max() * UPPER_PART):g}" if values.max() > 0.0 else f"> {values.min():g}"
    return str(column.texts[int(used[np.argmin(column.counts[used])])].as_py()) if used.size else "yes"


def used_texts(column: Column) -> list[str]:
    """Texts that occur in a row."""
    return list(map(str, column.texts.filter(pa.array(column.counts > 0)).to_pylist()))


def told_values(column: Column) -> str:
    """The commonest texts with their rows, for a person."""
    order = [place for place in np.argsort(-column.counts, kind="stable").tolist() if column.counts[place]]
    shown = ", ".join(f"{column.texts[place].as_py()!r} ({column.counts[place]:,})" for place in order[:_NUM_TOLD])
    return f"{shown} and {len(order) - _NUM_TOLD:,} other values" if len(order) > _NUM_TOLD else shown
