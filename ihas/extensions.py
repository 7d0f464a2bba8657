"""Extensions: modules outside iHAS that register model kinds and other parts as they are imported.

An installed package names its module under the entry point group `ihas.extensions`:

    [project.entry-points."ihas.extensions"]
    popularity = "my_package.popularity"

During development, `IHAS_EXTENSIONS=my_package.popularity,other_module` does the same. Child processes find both.
"""

from __future__ import annotations

import functools
import os
from importlib import import_module
from importlib.metadata import entry_points

from ihas.errors import ConfigError

GROUP, VARIABLE = "ihas.extensions", "IHAS_EXTENSIONS"


@functools.cache
def load_extensions() -> tuple[str, ...]:
    """Import every extension, once a process; the names of their modules.

    Raises:
        ConfigError: one cannot be imported.
    """
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",")]
    modules = tuple(dict.fromkeys([*(point.module for point in entry_points(group=GROUP)), *filter(None, named)]))
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            way = f"Install it, or take it out of {VARIABLE}."
            raise ConfigError(f"The extension {module!r} must be a module that can be imported, but: {error}. {way}") from error
    return modules
