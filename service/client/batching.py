"""Rows of a file, divided into requests, and the row that a refused request is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ihas.errors import DataError
from ihas_service.errors import InvalidError

AT_ONCE = 1_000
"""Rows of a request."""


class Batch(NamedTuple):
    """Rows of one request.

    Attributes:
        first: number of the first row; rows are counted from 1 without the header.
        rows: as the service takes them.
    """

    first: int
    rows: list[dict[str, Any]]


def batched(rows: Iterator[dict[str, Any]], weigh: Callable[[int, dict[str, Any]], int], max_bytes: int) -> Iterator[Batch]:
    """Rows in order, at most `AT_ONCE` of them and `max_bytes` of their JSON at a time.

    Args:
        rows: as the service takes them.
        weigh: bytes of the JSON of a row, by its number, counted from 1.
        max_bytes: of a batch of more than one row.

    Raises:
        DataError: of the rows or of `weigh`, after the rows before it were given.
    """
    waiting, size = Batch(1, []), 0
    try:
        for number, row in enumerate(rows, start=1):
            weight = weigh(number, row)
            if waiting.rows and (len(waiting.rows) == AT_ONCE or size + weight > max_bytes):
                yield waiting
                waiting, size = Batch(number, []), 0
            waiting.rows.append(row)
            size += weight
    except DataError:
        yield from [waiting] if waiting.rows else []
        raise
    yield from [waiting] if waiting.rows else []


class RefusedRow(NamedTuple):
    """The number of a row, and what is said against it."""

    number: int
    detail: str


def refused_row(error: InvalidError, first: int, members: str) -> RefusedRow | None:
    """The row that a refusal of a batch is about; None where it is about no row.

    Args:
        error: the refusal.
        first: number of the batch's first row.
        members: name of the list of rows in the request.
    """
    for part in error.problem.get("errors", ()):
        found = re.match(rf"/{members}/(\d+)(/|$)", part.get("pointer") or "")
        if found is not None:
            return RefusedRow(first + int(found[1]), part["detail"])
    return None
