"""Extensions: modules outside iHAS that register gate forms, backbones, model kinds or job kinds as they are imported.

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

GROUP, VARIABLE = "ihas.extensions", "IHAS_EXTENSIONS"


@functools.cache
def load_extensions() -> tuple[str, ...]:
    """Import every extension, once a process; the names of their modules.

    Raises:
        ValueError: one cannot be imported; names it and the way out.
    """
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",")]
    modules = tuple(dict.fromkeys([*(point.module for point in entry_points(group=GROUP)), *filter(None, named)]))
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            way = f"Install it, or take it out of {VARIABLE}."
            raise ValueError(f"The extension {module!r} must be a module that can be imported, but: {error}. {way}") from error
    return modules
