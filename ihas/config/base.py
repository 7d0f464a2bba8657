"""What every group of settings shares: frozen, unknown keys refused, numbers written as numbers, errors in our words."""

from __future__ import annotations

import functools
import re
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from ihas.extensions.suggest import did_you_mean

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
MAX_TOLD = 50
"""Errors of a group that are told; whoever made thousands reads no more of them."""
_QUOTED = re.compile(r"'([^']*)'")


class Config(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _errors_are_told(cls, values: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Check what pydantic does not, and word its errors: each has its place, and none links to another project's pages."""
        if isinstance(values, dict):
            _check_numbers(cls, values)
        try:
            return read(values)
        except ValidationError as error:
            told = [_told(part, tuple(cls.model_fields)) for part in error.errors(include_url=False)[:MAX_TOLD]]
            raise ValidationError.from_exception_data(error.title, told) from None


def invalid(message: str) -> PydanticCustomError:
    """The error of a validator: read by pydantic as a `ValueError`, but told in no other words than the message."""
    return PydanticCustomError("value_error", "{told}", {"told": message})


def _check_numbers(model: type[BaseModel], values: dict[str, Any]) -> None:
    """`true` is no 1 and "3" no 3: whoever writes that means something else."""
    for name, kinds in _number_fields(model).items():
        if name in values and _mistaken(values[name], kinds):
            wanted = "true or false" if kinds == {bool} else "a number"
            raise invalid(f"`{name}` must be {wanted}, but got {values[name]!r}")


def _told(part: ErrorDetails, fields: tuple[str, ...]) -> InitErrorDetails:
    """An error of pydantic's with our message; one of a group within has it already."""
    context = part.get("ctx", {})
    message = _message(part, context, fields)
    return {"type": PydanticCustomError(part["type"], "{told}", {**context, "told": message}), "loc": part["loc"], "input": part["input"]}


def _message(part: ErrorDetails, context: dict[str, Any], fields: tuple[str, ...]) -> str:
    """What is wrong, in our words, for the errors that are met most; else in pydantic's."""
    name, given = str(part["loc"][-1]) if part["loc"] else "", part["input"]
    if "told" in context:
        return str(context["told"])
    if part["type"] == "value_error":
        return str(context["error"])
    if part["type"] == "missing":
        return f"`{name}` must be given."
    if part["type"] == "extra_forbidden":
        return f"There is no `{name}` here.{did_you_mean(name, fields) or ' There are ' + ', '.join(fields) + '.'}"
    if part["type"] == "literal_error":
        return f"`{name}` must be {context['expected']}, but got {given!r}.{did_you_mean(str(given), _QUOTED.findall(context['expected']))}"
    return part["msg"]


@functools.cache
def _number_fields(model: type[BaseModel]) -> dict[str, frozenset[Any]]:
    """Fields that hold numbers or truth values and nothing else, with their types."""
    kinds = {name: _plain_kinds(field.annotation) for name, field in model.model_fields.items()}
    return {name: found for name, found in kinds.items() if found and found <= {int, float, bool}}


def _plain_kinds(annotation: Any) -> frozenset[Any]:
    """Types that an annotation is made of, containers and None left out."""
    if annotation in (None, type(None), ...):
        return frozenset()
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain_kinds(parts[0])
    if origin is Literal:
        return frozenset(map(type, parts))
    return frozenset().union(*map(_plain_kinds, parts)) if parts else frozenset({annotation})


def _mistaken(value: Any, kinds: frozenset[Any]) -> bool:
    if isinstance(value, list | tuple):
        return any(_mistaken(one, kinds) for one in value)
    if isinstance(value, bool):
        return bool not in kinds
    return isinstance(value, str) or (kinds == {bool} and isinstance(value, int | float))
