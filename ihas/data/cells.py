"""What a cell says, as text and as a number; training tables and requests are read by the same two functions."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

Scalar = bool | int | float | str
Cell = Scalar | Sequence[Scalar | None] | None

MAX_DIGITS = 400
"""Longer numbers are no ids, and no float holds them."""
NUMBER_PATTERN = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_NUMBER = re.compile(NUMBER_PATTERN)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)\.0")


def cell_text(value: Scalar | None) -> str | None:
    """Canonical text of one value; None where it is missing.

    The same value has the same text however a file or a request spells it: 270, 270.0, "270" and "270.0" are "270"; True, "True" and
    "true" are "true"; white space around a text is dropped. Null, NaN and empty text are missing. Any other text stays as it is,
    so that "02139" keeps its zero and "1.10" is not "1.1". A float without a fraction has the digits of its integer, 1e16 as 10**16 does;
    any other float is written as Python writes it.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _canonical(value.strip())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def cell_number(text: str) -> float | None:
    """Finite number that a canonical text spells in decimal; None for any other text, NaN and Infinity among them."""
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def decimal_text(value: Decimal) -> str:
    """Canonical text of a decimal number: its digits without zeros at the end, 25.00 as "25", however many they are."""
    if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
        return cell_text(float(value)) or "nan"
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _canonical(text: str) -> str | None:
    if _WHOLE.fullmatch(text):
        return "0" if text == "-0.0" else text[:-2]  # by its digits: Python makes no integer of more than 4,300
    lowered = text.lower()
    return (lowered if lowered in ("true", "false") else text) or None
