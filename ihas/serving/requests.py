"""Is a request one that can be answered? Every refusal points into the request (RFC 6901).

Unknown fields and cells of a wrong type are the encoder's to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ihas.data.schema import Schema
from ihas.errors import RequestError
from ihas.serving.answers import RecommendRequest

MAX_ROWS = 10_000
"""Most rows, or candidates, of one request. Without candidates, this many of the most popular items are scored."""
MAX_FIELDS = 100
"""Most item fields that one request is answered with."""
MAX_EXPLAINED = 100
"""Most rows of one request that are explained."""


def check_recommend(request: RecommendRequest, schema: Schema) -> None:
    """Check what can be told without looking at values or items; candidates are checked one by one where they are chosen.

    Raises:
        RequestError: a part has the wrong type or range, or the context states a field of the item.
    """
    _check_count(request.k)
    if not isinstance(request.explain, bool):
        raise RequestError(f"`explain` must be true or false, but got {request.explain!r}.", "/explain")
    if request.explain and request.k > MAX_EXPLAINED:
        raise RequestError(f"`k <= {MAX_EXPLAINED}` must hold with `explain`, but got {request.k}. Lower `k`, or do not explain.", "/k")
    _check_context(request.context, schema)
    _check_selection(request)
    _check_length(request.fields, MAX_FIELDS, "/fields")
    _check_list(request.exclude, "/exclude")
    _check_length(request.exclude, MAX_ROWS, "/exclude")
    check_names(request.exclude, "/exclude")
    if request.candidates is not None:
        _check_list(request.candidates, "/candidates")
        _check_length(request.candidates, MAX_ROWS, "/candidates")


def _check_selection(request: RecommendRequest) -> None:
    if request.filter is not None and not isinstance(request.filter, str):
        raise RequestError(f"`filter` must be a text, but got {request.filter!r}.", "/filter")
    retrieve = request.retrieve
    if retrieve is not None and (isinstance(retrieve, bool) or not isinstance(retrieve, int) or not request.k <= retrieve <= MAX_ROWS):
        raise RequestError(f"`retrieve` must be a whole number from `k`, {request.k}, to {MAX_ROWS}, but got {retrieve!r}.", "/retrieve")
    if request.diversity is None:
        return
    at_most = request.diversity.at_most
    if isinstance(at_most, bool) or not isinstance(at_most, int) or at_most < 1:
        raise RequestError(f"`at_most` must be a whole number of at least 1, but got {at_most!r}.", "/diversity/at_most")


def _check_list(names: Any, pointer: str) -> None:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise RequestError(f"Item ids must come as a list, but got {type(names).__name__}.", pointer)


def check_rows(rows: Sequence[Mapping[str, Any]], explain: bool) -> None:
    """Check rows to be scored, but for their fields and cells.

    Raises:
        RequestError: no list of rows, or too many.
    """
    if isinstance(rows, str | Mapping) or not isinstance(rows, Sequence):
        raise RequestError(f"Rows must come as a list, but got {type(rows).__name__}.", "/rows")
    _check_length(rows, MAX_EXPLAINED if explain else MAX_ROWS, "/rows")
    for position, row in enumerate(rows):
        if type(row) is not dict:
            check_mapping(row, f"/rows/{position}")


def _check_count(k: Any) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise RequestError(f"`k` must be a whole number of at least 1, but got {k!r}.", "/k")


def _check_context(context: Any, schema: Schema) -> None:
    check_mapping(context, "/context")
    items = [field.name for field in schema.fields if field.role == "item"]
    items += [one.name for one in schema.timestamps if set(one.fields.values()) <= set(items)]
    for name in items:
        if name in context:
            pointer = f"/context/{name.replace('~', '~0').replace('/', '~1')}"
            raise RequestError(f"`{name}` describes the item and is read from the item table. Leave it out of the context.", pointer)


def check_mapping(row: Any, pointer: str) -> None:
    """Check that a row names its values.

    Raises:
        RequestError: it is no mapping, or a name is no text.
    """
    if not isinstance(row, Mapping) or not all(isinstance(name, str) for name in row):
        raise RequestError(f"A row must give its values by field name, but got {type(row).__name__}.", pointer)


def _check_length(parts: Sequence[Any], most: int, pointer: str) -> None:
    if len(parts) > most:
        raise RequestError(f"At most {most} entries are possible here, but got {len(parts)}. Send them in several requests.", pointer)


def check_names(names: Sequence[Any], pointer: str) -> None:
    """Check that item ids are texts or numbers.

    Raises:
        RequestError: one is not.
    """
    for position, name in enumerate(names):
        if not isinstance(name, str | int | float):
            raise RequestError(f"An item id must be a text or a number, but got {name!r}.", f"{pointer}/{position}")
