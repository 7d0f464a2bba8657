"""A setting whose values are the names in a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from ihas.extensions.registry import Registry


@dataclass(frozen=True)
class NameIn:
    """Annotation of a `str` setting: one of the names in a registry, read whenever a value is checked or a schema is made, or of `also`."""

    registry: Registry[Any]
    also: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The string's schema, then the check."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A string, and the names as its allowed values."""
        return {**handler(schema), "enum": [*self.registry.names, *self.also]}

    def _checked(self, name: str) -> str:
        if name not in self.also and name not in self.registry:
            raise PydanticCustomError("unknown_name", "{told}", {"told": self.registry.unknown(name)})
        return name
