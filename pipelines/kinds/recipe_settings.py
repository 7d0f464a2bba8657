"""Every setting of a recipe with its default, its values and its meaning, from the classes that read it; also as a page of the docs."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from rich.box import SIMPLE
from rich.table import Table

from ihas.config.names import NameIn
from ihas.errors import ConfigError
from ihas_pipelines.kinds.registry import BUILT_IN, kind_named, kinds

TYPES: dict[Any, str] = {
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "text",
    bool: "true or false",
    Path: "path",
    Any: "any value",
}
REQUIRED = "required"
BOUNDS = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than"}
HEAD = """# Settings of recipes

`ihas settings --recipe [KIND]` prints these tables; this page is its output, written by `make docs-settings`. A recipe is a TOML or JSON
file; `kind` names what it makes and is `grouped` where it is left out. `ihas search RECIPE --set learning.seed=1` changes a setting.
The settings of the service are environment variables: `ihas settings`.
"""


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: its path in a recipe.
        default: as a recipe would write it; `required` or `absent` where there is none.
        values: allowed values.
        meaning: one or two sentences.
    """

    name: str
    default: str
    values: str
    meaning: str

    def document(self) -> dict[str, str]:
        """The setting as JSON values."""
        return asdict(self)


def settings_of_kind(name: str) -> tuple[Setting, ...]:
    """Settings of the recipes of a kind.

    Raises:
        ConfigError: there is no such kind, or no recipe makes it.
    """
    kind = kind_named(name)
    if kind.recipe is None:
        raise ConfigError(f"No recipe makes the kind {kind.name!r}, so it has no settings. Use `{kind.made_by}`.")
    return tuple(_settings(kind.recipe, ""))


def settings_table(settings: Sequence[Setting]) -> Table:
    """Settings for a terminal."""
    table = Table("setting", "default", "values", "meaning", box=SIMPLE)
    for setting in settings:
        table.add_row(*setting.document().values())
    return table


def page() -> str:
    """Settings of all kinds of iHAS as a page of Markdown."""
    parts = [HEAD]
    for kind in (kind for kind in kinds() if kind.name in BUILT_IN and kind.recipe is not None):
        parts += [f"## {kind.name}", f"{kind.description}\n", "| setting | default | values | meaning |\n|---|---|---|---|"]
        parts += [_row(setting) for setting in settings_of_kind(kind.name)]
        parts.append("")
    return "\n".join(parts)


def _row(setting: Setting) -> str:
    cells = (setting.default, setting.values, " ".join(setting.meaning.split()))
    return " | ".join([f"| `{setting.name}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |"


def _settings(model: type[BaseModel], prefix: str, defaults: BaseModel | None = None) -> Iterator[Setting]:
    for name, info in model.model_fields.items():
        default = getattr(defaults, name) if defaults is not None else info.default
        group = _group(info.annotation)
        if group is not None:
            yield from _settings(group, f"{prefix}{name}.", default if isinstance(default, BaseModel) else None)
        else:
            yield Setting(f"{prefix}{name}", _default(default), _values(info), info.description or "")


def _group(annotation: Any) -> type[BaseModel] | None:
    """The class of a nested group of settings; also of one that may be absent."""
    parts = [part for part in _alternatives(annotation) if part is not type(None)]
    return parts[0] if len(parts) == 1 and isinstance(parts[0], type) and issubclass(parts[0], BaseModel) else None


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return REQUIRED
    if value is None:
        return "absent"
    return _written(value)


def _written(value: Any) -> str:
    """A value as a recipe writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return _written(value.value)
    if isinstance(value, str | Path):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_written(one)}" for key, one in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(info: FieldInfo) -> str:
    for one in info.metadata:
        if isinstance(one, NameIn):
            return ", ".join(map(_written, (*one.registry.names, *one.also)))
    told = [_type(part) for part in _alternatives(info.annotation) if part is not type(None)]
    return " or ".join(told) + _limits(info.metadata, _counted(info.annotation))


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        metadata = [one for part in parts[1:] for one in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return _type(parts[0]) + _limits(metadata, _counted(parts[0]))
    if origin is Literal:
        return ", ".join(map(_written, parts))
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin in (tuple, list):
        inner = list(dict.fromkeys(part for part in parts if part is not ...))
        return "list of " + ", ".join(map(_type, inner))
    if origin is dict:
        return f"table of {_type(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table with " + ", ".join(f"`{name}`" for name in annotation.model_fields)
    return TYPES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _counted(annotation: Any) -> str:
    """What the length of a value counts."""
    return "characters" if str in _alternatives(annotation) else "entries"


def _limits(metadata: Sequence[Any], counted: str) -> str:
    told = [text for one in metadata for text in _limit(one, counted)]
    return f" ({', '.join(told)})" if told else ""


def _limit(one: Any, counted: str) -> Iterator[str]:
    if isinstance(one, limits.MinLen):
        yield f"{one.min_length} {counted} or more"
    elif isinstance(one, limits.MaxLen):
        yield f"{one.max_length} {counted} or fewer"
    elif getattr(one, "pattern", None):
        yield f"matches `{one.pattern}`"
    else:
        bounds = ((text, getattr(one, name, None)) for name, text in BOUNDS.items())
        yield from (f"{text} {_written(bound)}" for text, bound in bounds if bound is not None)
