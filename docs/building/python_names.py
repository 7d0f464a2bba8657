"""The page of the public Python names, from their docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import ihas


def name_lines() -> Iterator[str]:
    """A directive of autodoc for each public name, by what it is, as lines of Markdown."""
    names = {name: getattr(ihas, name) for name in ihas.NAMES}
    errors = [name for name, found in names.items() if inspect.isclass(found) and issubclass(found, BaseException)]
    functions = [name for name, found in names.items() if inspect.isfunction(found)]
    classes = [name for name in names if name not in (*errors, *functions)]
    for title, kind, chosen in (("Functions", "function", functions), ("Classes", "class", classes), ("Errors", "exception", errors)):
        yield from (f"## {title}", "", "```{eval-rst}")
        for name in chosen:
            yield f".. auto{kind}:: ihas.{name}"
            if kind == "class":
                yield f"   :members: {', '.join(_members(names[name]))}"
                if all(base.__module__.startswith(("ihas", "typing", "builtins")) for base in names[name].__mro__):
                    yield "   :inherited-members:"
            yield ""
        yield from ("```", "")


def _members(found: type) -> list[str]:
    """Public methods and properties of a class that are ours; what its bases bring from elsewhere is told there."""
    own = [
        part for base in found.__mro__ if base.__module__.startswith("ihas") for part, value in vars(base).items() if _is_ours(part, value)
    ]
    return list(dict.fromkeys(own))


def _is_ours(name: str, value: object) -> bool:
    function = getattr(value, "fget", getattr(value, "func", value))  # of a property, plain or cached
    return not name.startswith("_") and str(getattr(function, "__module__", "")).startswith("ihas")
