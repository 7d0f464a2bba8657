"""What every group of settings shares: frozen, unknown keys refused, numbers written as numbers."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]


class Config(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_written_as_such(cls, values: Any) -> Any:
        """`true` is no 1 and "3" no 3: whoever writes that means something else."""
        for name, kinds in _number_fields(cls).items() if isinstance(values, dict) else ():
            if name in values and _mistaken(values[name], kinds):
                raise ValueError(f"`{name}` must be {'true or false' if kinds == {bool} else 'a number'}, but got {values[name]!r}")
        return values


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
