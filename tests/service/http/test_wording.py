"""Errors of validation say which part is wrong, what it must be, and what it was."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from ihas_service.http.wording import LAWS, MAX_SHOWN, worded


class Body(BaseModel):
    """One field of each sort."""

    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)] = 0.5
    name: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]*$")] = "aa"
    rows: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    kind: Literal["a", "b"] = "a"
    needed: bool


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "`count` must be at least 1, but got 0."),
        ({"count": 10}, "`count` must be at most 9, but got 10."),
        ({"count": "many"}, "`count` must be a whole number, but got 'many'."),
        ({"share": 1.0}, "`share` must be less than 1.0, but got 1.0."),
        ({"share": float("nan")}, "`share` must be a finite number, but got nan."),
        ({"name": "a"}, "`name` must be at least 2 characters long, but got 'a'."),
        ({"name": "AB"}, "`name` must be of the form `^[a-z]*$`, but got 'AB'."),
        ({"rows": []}, "`rows` must be a list of at least 1, but got []."),
        ({"rows": [1, "x"]}, "`rows` must be a whole number, but got 'x'."),
        ({"kind": "c"}, "`kind` must be one of 'a' or 'b', but got 'c'."),
        ({"needed": None}, "`needed` must be true or false, but got None."),
    ],
)
def test_an_error_names_part_law_and_value(values: dict[str, Any], message: str) -> None:
    """In one sentence, without a word of the library that found it."""
    with pytest.raises(ValidationError) as caught:
        Body.model_validate({"needed": True, **values})
    assert [worded(error) for error in caught.value.errors()] == [message]


def test_what_is_missing_is_named() -> None:
    """As a part that must be given."""
    with pytest.raises(ValidationError) as caught:
        Body.model_validate({})
    assert worded(caught.value.errors()[0]) == "`needed` must be given."


def test_a_law_of_our_own_stands_alone() -> None:
    """Without the library's name of its error before it."""

    class Both(BaseModel):
        one: int | None = None

        @model_validator(mode="after")
        def _one(self) -> Self:
            raise ValueError("Leave one out.")

    with pytest.raises(ValidationError) as caught:
        Both.model_validate({})
    assert worded(caught.value.errors()[0]) == "Leave one out."


def test_a_long_value_is_cut() -> None:
    """A body of megabytes is not sent back."""
    with pytest.raises(ValidationError) as caught:
        Body.model_validate({"needed": True, "name": "a" * 1_000})
    assert len(worded(caught.value.errors()[0])) < MAX_SHOWN + 100


def test_every_law_is_one_of_the_library() -> None:
    """A type of error that does not exist would never be worded."""
    from typing import get_args

    from pydantic_core.core_schema import ErrorType

    assert set(LAWS) <= set(get_args(ErrorType))
