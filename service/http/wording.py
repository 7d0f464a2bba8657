"""Errors of validation in our words: which part, what it must be, and what it was."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

MAX_SHOWN = 60
"""Characters of a refused value that are shown."""
LAWS: Mapping[str, str] = MappingProxyType(
    {
        "greater_than_equal": "at least {ge}",
        "greater_than": "greater than {gt}",
        "less_than_equal": "at most {le}",
        "less_than": "less than {lt}",
        "finite_number": "a finite number",
        **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number"),
        **dict.fromkeys(("float_type", "float_parsing"), "a number"),
        **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
        **dict.fromkeys(("list_type", "tuple_type"), "a list"),
        **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "an object"),
        "string_type": "a text",
        "string_too_short": "at least {min_length} characters long",
        "string_too_long": "at most {max_length} characters long",
        "string_pattern_mismatch": "of the form `{pattern}`",
        "too_short": "a list of at least {min_length}",
        "too_long": "a list of at most {max_length}",
        "enum": "one of {expected}",
        "literal_error": "one of {expected}",
    }
)
"""What a part must be, by the type of pydantic's error."""


def worded(error: Mapping[str, Any]) -> str:
    """The message of one of pydantic's errors.

    Args:
        error: as `ValidationError.errors` gives it: `type`, `loc`, `msg`, `input`, `ctx`.
    """
    name = next((str(part) for part in reversed(error["loc"]) if isinstance(part, str)), "value")
    law, context = LAWS.get(error["type"]), error.get("ctx", {})
    if error["type"] == "missing":
        return f"`{name}` must be given."
    if law is None or "told" in context and error["type"] == "literal_error":
        return str(error["msg"]).removeprefix("Value error, ")
    return f"`{name}` must be {law.format_map(context)}, but got {_shown(error['input'])}."


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
