"""Setting `positive` of a label's column: which cells count as a click."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from ihas.config.label_rule import ALLOWED, LabelRule


def _texts(positive: Any) -> Any:
    return tuple(map(_value_text, positive)) if isinstance(positive, list | tuple) else _value_text(positive)


def _value_text(value: Any) -> Any:
    """A number or truth value as its text, for a value may be one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if value is not None and not isinstance(value, str | int):
        raise PydanticCustomError("not_a_rule", "{told}", {"told": f"`positive` must be a text or a list of texts. {ALLOWED}"})
    return str(value) if isinstance(value, int) else value


def _checked(positive: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
    if positive is not None:
        LabelRule.parse(positive)
    return positive


PositiveRule = Annotated[str | tuple[str, ...] | None, BeforeValidator(_texts), AfterValidator(_checked)]
"""A value, several, or a comparison with a number (`ihas.config.label_rule`)."""
