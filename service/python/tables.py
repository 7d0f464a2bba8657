"""Tables that a Python program holds, as the files that a run reads and as the rows that a model scores.

A table is a DataFrame of pandas or polars, an Arrow table, or anything else that exports an Arrow stream (`__arrow_c_stream__`). None of
the DataFrame packages is imported: pandas is recognised by the module of its class.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from ihas.errors import ConfigError, DataError, RequestError
from ihas_pipelines.runs.faults import faults

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 2**20
WANTED = "a DataFrame of pandas or polars, an Arrow table, a path, a URL or an `ihas.Query`"


def data_file(table: Any, folder: Path, name: str = "table") -> Path:
    """The file of a table, written or fetched into `folder` where the table is no file on this machine.

    Args:
        table: DataFrame, Arrow table, path, URL of a scheme that httpx or fsspec reads, or query.
        folder: takes the file.
        name: name of a written file, without suffix.

    Raises:
        ConfigError: nothing of these, or the URL cannot be fetched or read with the drivers that are installed.
        DataError: Arrow has no types for the table's values.
    """
    if isinstance(table, Query):
        return _queried(table, folder / f"{name}.parquet")
    if isinstance(table, str) and "://" in table:
        return _fetched(table, folder / name)
    if isinstance(table, str | os.PathLike):
        return Path(table).expanduser().resolve()
    if not is_table(table):
        raise ConfigError(f"A table must be {WANTED}, but got {type(table).__name__}.")
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(arrow_table(table), path)
    return path


@dataclass(frozen=True)
class Query:
    """Rows of a database: `ihas.fit(ihas.Query("postgresql://reader:$PASSWORD@host/shop", "select * from clicks"))`.

    Attributes:
        url: of SQLite or PostgreSQL; `$NAME` in it is the environment's. It is shown nowhere.
        query: carried out once, in a transaction that only reads.
    """

    url: str = field(repr=False)
    query: str


def _queried(table: Query, path: Path) -> Path:
    from ihas.config.sql import SqlConfig
    from ihas.data.sql import write_snapshot

    try:
        asked = SqlConfig.model_validate({"url": table.url, "query": table.query})
    except ValidationError as error:
        raise ConfigError(f"The query cannot be used. {faults(error)}") from None
    write_snapshot(asked, path)
    return path


def is_table(table: Any) -> bool:
    """Whether a value is a DataFrame or a table that Arrow can take over."""
    return hasattr(table, "__arrow_c_stream__") or _is_pandas(table)


def arrow_table(table: Any) -> pa.Table:
    """A table of Arrow; DataError where Arrow has no type for a column's values."""
    import pyarrow as pa

    try:
        found = pa.Table.from_pandas(table, preserve_index=False) if _is_pandas(table) else pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"Every column must hold values of one type, but Arrow says: {error}. Convert that column, e.g. to texts."
        ) from error
    fields = [one.with_type(_without_views(one.type)) for one in found.schema]
    return found.cast(pa.schema(fields))  # not every function of Arrow knows views, which polars exports


def _without_views(found: Any) -> Any:
    """The type with plain texts in place of views, in lists too."""
    import pyarrow as pa

    if pa.types.is_string_view(found):
        return pa.large_string()
    return pa.large_list(_without_views(found.value_type)) if pa.types.is_list(found) or pa.types.is_large_list(found) else found


def rows_of(rows: Any) -> list[dict[str, Any]]:
    """Rows as a model scores them, each a value by field name.

    Cells of a DataFrame or an Arrow table become the texts that the same cells are in training; those of mappings stay, NumPy's scalars
    as Python's.

    Raises:
        RequestError: neither a table nor a mapping, nor a list of mappings.
        DataError: as `arrow_table`.
    """
    if is_table(rows):
        return _table_rows(rows)
    if isinstance(rows, Mapping):
        return [plain(rows)]
    if isinstance(rows, str) or not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise RequestError(f"Rows must be a DataFrame, an Arrow table or a list of dicts, but got {type(rows).__name__}.", "/rows")
    return [plain(row) for row in rows]


def plain(value: Any) -> Any:
    """A value with NumPy's scalars and arrays as Python's, within dicts and lists too."""
    if isinstance(value, Mapping):
        return {name: plain(cell) for name, cell in value.items()}
    if isinstance(value, list | tuple):
        return [plain(cell) for cell in value]
    return value.tolist() if type(value).__module__ == "numpy" and hasattr(value, "tolist") else value


def _table_rows(table: Any) -> list[dict[str, Any]]:
    from ihas.data.readers import column_in_one_form

    arrow = arrow_table(table)
    if not arrow.column_names:
        return [{} for _ in range(arrow.num_rows)]
    columns = []
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        try:
            columns.append(column_in_one_form(column).to_pylist())
        except TypeError as error:
            raise DataError(
                f"Cells must be texts, numbers, booleans, times, or lists of them, but `{name}` holds {column.type}."
            ) from error
    return [dict(zip(arrow.column_names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _is_pandas(table: Any) -> bool:
    return type(table).__module__.partition(".")[0] == "pandas" and hasattr(table, "iloc") and hasattr(table, "columns")


def _fetched(url: str, target: Path) -> Path:
    """A file of the same suffixes as the URL's path."""
    path = target.with_name(target.name + "".join(PurePosixPath(urlsplit(url).path).suffixes))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if url.startswith(("http://", "https://")):
            _fetch_http(url, path)
        else:
            _fetch_store(url, path)
    except Exception as error:  # a library of stores raises what its own libraries raise
        raise ConfigError(f"A table's URL must lead to a file, but {url} does not ({type(error).__name__}: {error}).") from error
    return path


def _fetch_http(url: str, path: Path) -> None:
    import httpx

    with httpx.stream("GET", url, follow_redirects=True) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for part in answer.iter_bytes(CHUNK):
            file.write(part)


def _fetch_store(url: str, path: Path) -> None:
    import fsspec

    with fsspec.open(url, "rb") as source, path.open("wb") as file:
        while part := source.read(CHUNK):
            file.write(part)
