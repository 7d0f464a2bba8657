"""Where a backup lies: a folder, or a prefix of a store that fsspec reaches."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from fsspec.core import url_to_fs
from pydantic import Field, ValidationError

from ihas.config.base import Config
from ihas.errors import ConfigError, DataError
from ihas_service.errors import StoreError

CONTENTS = "backup.json"
TABLES, BUNDLES = "tables", "bundles"
FORMAT = 1
WAY_OUT = "Take another backup."
READ_BYTES = 2**20
MAX_LINE_BYTES, MAX_CONTENTS_BYTES = 256 * 2**20, 256 * 2**20
"""Of a row, and of what a backup says of itself; nothing that a service writes comes near."""
TableName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=64)]


class TableCopy(Config):
    """A table's file."""

    rows: int = Field(ge=0)
    """Its lines."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the file."""


class Contents(Config):
    """What a backup holds; written last, so that one without it is none."""

    format: int
    """Of the backup."""
    schema_version: str = Field(pattern="^[0-9]{4}$")
    """Of the database."""
    made_at: float
    """Seconds since 1970 by the database's clock."""
    tables: dict[TableName, TableCopy]
    """By name; one that others refer to comes before them."""
    bundles: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
    """Paths of bundles, and the digests of their manifests."""


class Place:
    """A folder or a prefix, by a path or a URL such as `s3://backups/monday`."""

    def __init__(self, url: str) -> None:
        """
        Raises:
            ConfigError: nothing reaches such a URL.
        """
        self.url = url.rstrip("/") if "://" in url else str(Path(url).resolve())
        try:
            self._store, self._root = url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"A backup lies in a folder or at a URL such as s3://bucket/monday, but got {url!r}: {error}.") from error

    @property
    def bundles(self) -> str:
        """URL of the bundles."""
        return f"{self.url}/{BUNDLES}"

    def check_empty(self) -> None:
        """Refuse a place that holds anything.

        Raises:
            ConfigError: it does.
        """
        self._store.invalidate_cache()
        if self._store.exists(self._root) and self._store.find(self._root):
            raise ConfigError(f"A backup is written where nothing lies, but {self.url} holds files. Name another folder or prefix.")

    def write_table(self, name: str, lines: Iterable[bytes]) -> TableCopy:
        """Write a table's file."""
        path, rows, digest = f"{self._root}/{TABLES}/{name}.jsonl", 0, hashlib.sha256()
        self._store.makedirs(f"{self._root}/{TABLES}", exist_ok=True)
        with self._store.open(path, "wb") as file:
            for line in lines:
                rows += 1
                digest.update(line)
                file.write(line)
        return TableCopy(rows=rows, sha256=digest.hexdigest())

    def finish(self, contents: Contents) -> None:
        """Say what was written, which makes it a backup."""
        self._store.makedirs(self._root, exist_ok=True)
        partial = f"{self._root}/.{CONTENTS}.part"
        self._store.pipe_file(partial, contents.model_dump_json(indent=1).encode())
        self._store.mv(partial, f"{self._root}/{CONTENTS}")

    def contents(self) -> Contents:
        """What a backup holds.

        Raises:
            ConfigError: there is none, or it was cut off, or a newer version wrote it.
            DataError: what it says of itself cannot be read.
            StoreError: the place cannot be reached.
        """
        self._store.invalidate_cache()
        try:
            said = self._store.cat_file(f"{self._root}/{CONTENTS}", end=MAX_CONTENTS_BYTES + 1)
            if len(said) > MAX_CONTENTS_BYTES:
                raise DataError(f"{CONTENTS} of {self.url} must have at most {MAX_CONTENTS_BYTES:,} bytes, but has more. {WAY_OUT}")
            document: Any = json.loads(said)
            if isinstance(document, dict) and document.get("format", FORMAT) != FORMAT:
                raise ConfigError(f"A backup of form {FORMAT} can be read, but {self.url} has {document['format']!r}. Use a newer iHAS.")
            return Contents.model_validate(document, strict=False)
        except FileNotFoundError:
            raise ConfigError(f"{self.url} holds no whole backup: there is no {CONTENTS}, which is written last. {WAY_OUT}") from None
        except (ValidationError, ValueError, RecursionError) as error:
            if isinstance(error, ConfigError | DataError):
                raise
            raise DataError(f"{CONTENTS} of {self.url} cannot be read: {type(error).__name__}. {WAY_OUT}") from error
        except Exception as error:  # a library of stores raises what its own libraries raise
            raise StoreError(f"{self.url} cannot be reached ({type(error).__name__}).") from error

    def check_table(self, name: str, copy: TableCopy) -> None:
        """Read a table's file once, before any of it is used.

        Raises:
            DataError: it is missing, or not the one that was written.
        """
        rows, digest = 0, hashlib.sha256()
        try:
            for line in self.lines(name):
                rows += 1
                digest.update(line)
        except FileNotFoundError:
            raise DataError(f"The file of table {name!r} is missing from {self.url}. {WAY_OUT}") from None
        if (rows, digest.hexdigest()) != (copy.rows, copy.sha256):
            raise DataError(f"Table {name!r} must have {copy.rows} rows of SHA-256 {copy.sha256}, but its file has others. {WAY_OUT}")

    def lines(self, name: str) -> Iterator[bytes]:
        """Rows of a table.

        Raises:
            DataError: one is longer than any that a service writes.
        """
        with self._store.open(f"{self._root}/{TABLES}/{name}.jsonl", "rb") as raw:
            file = io.BufferedReader(raw, READ_BYTES)  # fsspec's own has no bound on a line
            while line := file.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise DataError(f"A row of table {name!r} must have at most {MAX_LINE_BYTES:,} bytes, but has more. {WAY_OUT}")
                yield line
