"""Extensions of one kind by name: those of the package, those registered at run time, and those of installed packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from threading import RLock
from typing import Generic, TypeVar

from ihas.suggest import did_you_mean

Extension = TypeVar("Extension")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class Registry(Generic[Extension]):
    """Extensions by name, in the order of their registration.

    An installed package adds its own by an entry point, which processes that a run starts see too:
    `[project.entry-points."ihas.gate_forms"]`, then `my_form = "my_package.my_module:MY_FORM"`.
    """

    def __init__(self, kind: str, entries: Mapping[str, Extension], group: str) -> None:
        """
        Args:
            kind: what an extension is, for error messages.
            entries: extensions of this package.
            group: entry-point group of other packages' extensions.
        """
        self.kind, self.group = kind, group
        self._entries = dict(entries)
        self._installed_are_read, self._lock = False, RLock()

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
            self._read_installed()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all extensions."""
        self._read_installed()
        return tuple(self._entries)

    def unknown(self, name: str) -> str:
        """Message for a name that no extension has."""
        return f"The {self.kind} must be one of {', '.join(self.names)}, but got {name!r}.{did_you_mean(name, self.names)}"

    def _read_installed(self) -> None:
        """Add the extensions of installed packages, once."""
        with self._lock:
            if not self._installed_are_read:
                self._installed_are_read = True
                for point in entry_points(group=self.group):
                    self.register(point.name, point.load())
