"""What is wrong with settings, in plain words: each fault with the setting's name and its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

TEXTS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "union_tag_invalid": lambda context: f"must name one of {context['expected_tags']}",
    "greater_than": lambda context: f"must be greater than {context['gt']:g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than": lambda context: f"must be less than {context['lt']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
    "too_short": lambda context: f"must have at least {context['min_length']} entries",
    "too_long": lambda context: f"must have at most {context['max_length']} entries",
    "string_too_short": lambda context: f"must have at least {context['min_length']} characters",
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "string_pattern_mismatch": lambda context: f"must match {context['pattern']}",
    "string_type": lambda _: "must be a text",
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "tuple_type": lambda _: "must be a list",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be a group of settings",
    "model_type": lambda _: "must be a group of settings",
    "path_type": lambda _: "must be a path",
}
"""Texts by pydantic's type of error; those of other types are pydantic's own sentence."""
TOLD = frozenset({"missing", "extra_forbidden", "literal_error", "value_error"})
"""Types whose message by `ihas.config.base` is complete."""
MAX_SHOWN = 60


def faults(error: ValidationError) -> str:
    """All faults of a validation in one line."""
    return " ".join(dict.fromkeys(map(_fault, error.errors(include_url=False))))


def _fault(detail: ErrorDetails) -> str:
    place, context = ".".join(map(str, detail["loc"])), detail.get("ctx", {})
    if detail["type"] in TOLD:
        text = _sentence(str(context.get("told", detail["msg"].removeprefix("Value error, "))))
        return f"`{place}`: {text}" if place else text
    known = TEXTS.get(detail["type"])
    text = detail["msg"] if known is None else known(context)
    if "sql" in detail["loc"]:
        return _sentence(f"`{place}` {text}")  # what is there may be a password
    return _sentence(f"`{place}` {text}, but is {_shown(detail['input'])}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
