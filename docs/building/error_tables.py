"""Tables of errors, from the classes and from the table of problem documents."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from building.text import code, escaped, table

import ihas
import ihas.errors
import ihas_service.errors
from ihas.errors import IhasError
from ihas_pipelines.runs.exit_codes import EXIT_CODES
from ihas_service.http.problems import KINDS

OTHERS = (
    "Besides: `database-unavailable` (503, the database cannot be reached), `disk-full` (507, nothing of the request was stored), and what "
    "HTTP itself has a name for, such as `method-not-allowed` (405)."
)


def error_lines() -> Iterator[str]:
    """Python's errors, problem documents and exit codes as lines of Markdown."""
    yield from ("## In Python", "", "What the library raises; `except ihas.IhasError` catches all of them.", "")
    yield from table(["class", "is a", "raised because"], _classes(ihas.errors.__name__))
    yield from ("## In the client of a service", "", "What `ihas.Client` and the service's own code raise.", "")
    yield from table(["class", "is a", "raised because"], _classes(ihas_service.errors.__name__))
    yield from ("## Over HTTP", "", "A problem document (RFC 9457); `type` is `urn:ihas:problem:` and the kind.", "")
    kinds = sorted((status, name, escaped(title), _cause(kind)) for kind, (name, status, title) in KINDS.items())
    rows = ([str(status), code(name), title, cause] for status, name, title, cause in kinds)
    yield from table(["status", "kind", "title", "raised because"], rows)
    yield from (OTHERS, "")
    yield from ("## Exit codes of `ihas`", "")
    yield from table(["code", "means"], ([str(int(one)), escaped(meaning)] for one, meaning in EXIT_CODES.items()))


def _classes(module: str) -> Iterator[list[str]]:
    known = {**vars(ihas.errors), **vars(ihas_service.errors)}.values()
    for kind in known:
        if inspect.isclass(kind) and issubclass(kind, IhasError) and kind.__module__ == module:
            name = f"ihas.{kind.__name__}" if kind.__name__ in ihas.NAMES else f"{module}.{kind.__name__}"
            yield [code(name), ", ".join(code(base.__name__) for base in kind.__bases__), _cause(kind)]


def _cause(kind: type[BaseException]) -> str:
    return escaped((inspect.getdoc(kind) or "").partition("\n")[0])
