"""Schema laws."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ihas.data.schema import Field, Schema

USER = Field(name="user", kind="categorical")


@pytest.mark.parametrize("fields", [(USER, USER), (Field(name="label", kind="numeric"),)])
def test_names_must_differ(fields: tuple[Field, ...]) -> None:
    """Two fields of one name, or a field with the label's name, are refused."""
    with pytest.raises(ValidationError, match="different names"):
        Schema(label="label", fields=fields)


@pytest.mark.parametrize("item_id", ["user", "nothing"])
def test_the_item_id_must_be_an_item_field(item_id: str) -> None:
    """A context field or an unknown name cannot name the item."""
    with pytest.raises(ValidationError, match="role item"):
        Schema(label="label", fields=(USER,), item_id=item_id)


def test_json_round_trip() -> None:
    """A schema read from its own JSON is equal."""
    schema = Schema(label="y", fields=(USER, Field(name="g", kind="multivalued", role="item", separator="|")), item_id="g", time="t")
    assert Schema.model_validate_json(schema.model_dump_json()) == schema
