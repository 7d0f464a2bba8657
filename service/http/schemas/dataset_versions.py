"""Requests and responses about versions of data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from ihas.config.base import Config
from ihas_service.http.schemas.searches import Moment, moment
from ihas_service.storage.catalogue import DatasetState, DatasetVersion

MAX_ROWS = 10_000
Value = None | bool | int | float | str
Cell = Value | list[Value]


class RowsAppend(Config):
    """Rows to append."""

    rows: Annotated[list[dict[str, Cell]], Field(min_length=1, max_length=MAX_ROWS)]
    """Rows with the data set's columns; a column that a row leaves out is missing, a list is a multi-valued cell."""


class DatasetVersionPublic(Config):
    """A version of a data set. A valid one never changes."""

    version: int
    """1, 2, 3, ... within the data set."""
    state: DatasetState
    """`validating` while it is checked; the newest `valid` one is in use; an `invalid` one is never used, and its rows are not kept."""
    parent: int | None
    """Version to which rows were appended; absent for the first one."""
    rows: int | None
    """Rows of the whole table, once it is valid."""
    size: int | None
    """Bytes of the appended file."""
    file_sha256: str | None
    """SHA-256 of the appended file, hexadecimal."""
    sha256: str | None
    """Digest of the whole table: of one file, its SHA-256; of several, the SHA-256 of theirs, hexadecimal, a line each."""
    error: dict[str, Any] | None
    """Reason why it is invalid: `code`, `detail`, and `findings` with row and column."""
    actor: str | None
    """Who appended, such as `key:` with the key's id; absent for the first one."""
    created_at: Moment
    """Time of the append."""

    @classmethod
    def of(cls, version: DatasetVersion) -> Self:
        """The wire form of a version."""
        names = ("version", "state", "parent", "rows", "size", "file_sha256", "sha256", "error", "actor")
        return cls(**{name: getattr(version, name) for name in names}, created_at=moment(version.created_at))


class DatasetVersionsPublic(Config):
    """A page of versions, newest first."""

    versions: tuple[DatasetVersionPublic, ...]
    """The page."""
    next_cursor: int | None
    """Cursor of the next page; absent on the last page."""

    @classmethod
    def of(cls, found: Sequence[DatasetVersion], limit: int) -> Self:
        """The wire form of a page."""
        more = len(found) == limit and found[-1].version > 1
        return cls(versions=tuple(map(DatasetVersionPublic.of, found)), next_cursor=found[-1].version if more else None)
