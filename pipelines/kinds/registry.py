"""The model kinds, by name. A kind of iHAS is a module with a `KIND` and a line here; one from outside calls `register_kind`.

Modules are imported when their kind is asked for, those of extensions (`ihas.extensions`) when a name is not known without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel

from ihas.errors import ConfigError
from ihas.extensions.modules import load_extensions
from ihas_pipelines.kinds.model_kind import ModelKind

BUILT_IN: Mapping[str, str] = {
    "grouped": "ihas_pipelines.kinds.grouped.kind",
    "overrec": "ihas_pipelines.kinds.overrec.kind",
    "transformer": "ihas_pipelines.kinds.transformer.kind",
    "size-sweep": "ihas_pipelines.kinds.size_sweep.kind",
    "transfer": "ihas_pipelines.kinds.transfer.kind",
    "cold-start": "ihas_pipelines.kinds.cold_start",
}
"""Name to module; the module's `KIND` is the kind."""
DEFAULT = "grouped"
"""Kind of a recipe or result that names none."""
_registered: dict[str, ModelKind] = {}


def register_kind(kind: ModelKind) -> None:
    """Add a kind from outside iHAS; to be called as its module is imported.

    Raises:
        ConfigError: the name or an alias is taken by another kind.
    """
    own = {alias for name in BUILT_IN for alias in (name, *_built_in(name).aliases)}
    for name in (kind.name, *kind.aliases):
        if name in own or _registered.get(name, kind) is not kind:
            raise ConfigError(f"The name of a model kind must be unique, but {name!r} is taken. Choose another one.")
    _registered.update(dict.fromkeys((kind.name, *kind.aliases), kind))
    if kind.load is not None:
        from ihas.serving.loading import register_loader  # what serves takes longer to import than a recipe takes to read

        register_loader(kind.name, kind.load)


def kinds() -> tuple[ModelKind, ...]:
    """All kinds: those of iHAS, then those of extensions.

    Raises:
        ConfigError: an extension cannot be imported.
    """
    try:
        load_extensions()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return (*map(_built_in, BUILT_IN), *dict.fromkeys(_registered.values()))


def kind_named(name: str) -> ModelKind:
    """The kind of a name or alias.

    Raises:
        ConfigError: there is none.
    """
    if name in BUILT_IN:
        return _built_in(name)
    if name in _registered:
        return _registered[name]
    found = {alias: kind for kind in kinds() for alias in (kind.name, *kind.aliases)}
    if name not in found:
        way = "Change `kind`, or install the extension that defines it."
        raise ConfigError(f"The kind must be one of {', '.join(kind.name for kind in kinds())}, but is {name!r}. {way}")
    return found[name]


def kind_of_recipe(recipe: object) -> ModelKind:
    """The kind of a recipe."""
    return next(kind for kind in kinds() if kind.recipe is type(recipe))


def kind_of_result(document: Mapping[str, Any]) -> ModelKind:
    """The kind of a result, which is a document with `kind`.

    Raises:
        ConfigError: there is none of that name.
    """
    return kind_named(str(document.get("kind", DEFAULT)))


def requested_settings(job: Literal["search", "estimate"]) -> dict[str, type[BaseModel]]:
    """Groups of settings that an HTTP request for a job may state, one of them, with the class of each."""
    return {kind.settings_group: kind.learning for kind in kinds() if job in kind.submitted_as and kind.learning is not None}


def kind_of_settings(settings: Mapping[str, Any]) -> ModelKind:
    """The kind that a request's settings ask for: the one whose group they state, else `grouped`."""
    submitted = (kind for kind in kinds() if kind.submitted_as and kind.name != DEFAULT)
    return next((kind for kind in submitted if kind.settings_group in settings), kind_named(DEFAULT))


def _built_in(name: str) -> ModelKind:
    kind: ModelKind = import_module(BUILT_IN[name]).KIND
    return kind
