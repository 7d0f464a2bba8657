"""Parts of one sort by name: those of iHAS, then those that extensions register as their modules are imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from ihas.extensions.modules import load_extensions
from ihas.extensions.suggest import did_you_mean

Extension = TypeVar("Extension")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class Registry(Generic[Extension]):
    """Extensions by name, in the order of their registration; a name that is not known makes it import the modules of extensions."""

    def __init__(self, kind: str, entries: Mapping[str, Extension]) -> None:
        """
        Args:
            kind: what an extension is, for error messages.
            entries: extensions of this package.
        """
        self.kind, self._entries = kind, dict(entries)

    def register(self, name: str, extension: Extension) -> None:
        """Add an extension; the same one may be added again.

        Raises:
            ValueError: the name is taken by another extension, or is not lower-case letters, digits, `_` and `-`.
        """
        if not NAME.fullmatch(name):
            raise ValueError(f"The name of a {self.kind} must match {NAME.pattern!r}, but got {name!r}. Choose another name.")
        if self._entries.setdefault(name, extension) is not extension:
            raise ValueError(f"A {self.kind} {name!r} is registered already. Choose another name.")

    def unregister(self, name: str) -> None:
        """Remove an extension; ValueError where there is none of the name."""
        self[name]
        del self._entries[name]

    def __getitem__(self, name: str) -> Extension:
        """The extension of a name.

        Raises:
            ValueError: no extension has the name; says which names there are, and the nearest.
        """
        if name not in self:
            raise ValueError(self.unknown(name))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        if name not in self._entries:
            load_extensions()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all extensions."""
        load_extensions()
        return tuple(self._entries)

    def unknown(self, name: str) -> str:
        """Message for a name that no extension has."""
        return f"The {self.kind} must be one of {', '.join(self.names)}, but got {name!r}.{did_you_mean(name, self.names)}"
