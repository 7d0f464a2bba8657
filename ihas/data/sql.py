"""Rows of a query as a Parquet file, through Arrow's database drivers (ADBC), batch by batch.

A run reads a database once: what it learns from is the file, which stays in its folder. So a stopped run carries on with the same rows, and
neither the URL nor the password is in anything that is written. What a driver says is told without them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet

from ihas.config.sql import SqlConfig
from ihas.errors import ConfigError, DataError, is_memory_full

_MAX_TOLD = 300
_BATCH_ROWS = "65536"
_HIDDEN = "***"


class _Driver(NamedTuple):
    """A driver of ADBC: its module, its package, what it is asked before a query, and options of a statement."""

    module: str
    package: str
    first: str | None = None
    options: tuple[tuple[str, str], ...] = ()


DRIVERS = {
    "sqlite": _Driver("adbc_driver_sqlite", "adbc-driver-sqlite", options=(("adbc.sqlite.query.batch_rows", _BATCH_ROWS),)),
    "postgresql": _Driver("adbc_driver_postgresql", "adbc-driver-postgresql", "set transaction read only"),
    "snowflake": _Driver("adbc_driver_snowflake", "adbc-driver-snowflake"),
    "bigquery": _Driver("adbc_driver_bigquery", "adbc-driver-bigquery"),
}
"""By the scheme of the URL. Those of Snowflake and BigQuery have the same interface, and are not tested."""


def write_snapshot(sql: SqlConfig, path: Path) -> int:
    """Write the rows of a query as Parquet, whole or not at all; their number.

    Args:
        sql: database and query.
        path: file to write; one that is there is replaced.

    Raises:
        ConfigError: an unknown scheme, a variable of the environment that is not set, or a driver that is not installed.
        DataError: the database cannot be reached, or refuses the query.
    """
    url = expanded(sql)
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _reading(url, sql.query) as reader:
            rows = _write(reader, partial)
        partial.replace(path)
    except (ConfigError, DataError):
        raise
    except Exception as error:  # drivers raise what their own libraries raise
        if is_memory_full(error):
            raise
        said = _without_secrets(str(error), url)
        raise DataError(f"The query must be readable from {described(url)}, but it is not: {said}") from None
    finally:
        partial.unlink(missing_ok=True)
    return rows


def expanded(sql: SqlConfig) -> str:
    """The URL with the environment's values; ConfigError where one is not set."""
    unset = [name for name in re.findall(r"\$\{?([A-Za-z_]\w*)", sql.url.get_secret_value()) if name not in os.environ]
    if unset:
        way = "Set them; a `$` of the URL itself is written %24."
        raise ConfigError(f"`sql.url` names {len(unset)} variables of the environment that are not set. {way}")
    url = os.path.expandvars(sql.url.get_secret_value())
    try:
        urlsplit(url)
    except ValueError:
        raise ConfigError("`sql.url` must be a URL, but it is none: a bracket in it has no other one. Correct it.") from None
    return url


def described(url: str) -> str:
    """Scheme, host and database of a URL, without user, password and parameters."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme.partition("+")[0], host, parts.path, "", ""))


def _driver(url: str) -> _Driver:
    scheme = {"postgres": "postgresql"}.get(found := urlsplit(url).scheme.partition("+")[0].lower(), found)
    if scheme not in DRIVERS:
        raise ConfigError(f"`sql.url` must begin with {', '.join(f'{name}://' for name in DRIVERS)}, but begins with {scheme}://.")
    return DRIVERS[scheme]


@contextmanager
def _reading(url: str, query: str) -> Iterator[pa.RecordBatchReader]:
    driver = _driver(url)
    try:
        connect: Any = import_module(f"{driver.module}.dbapi").connect
    except ImportError:
        way = f"Install it with `pip install 'ihas[sql]'` or `pip install {driver.package}`."
        raise ConfigError(f"{described(url)} is read by the package {driver.package}, which is not installed. {way}") from None
    with connect(_address(url)) as connection, connection.cursor() as cursor:
        if driver.first is not None:
            cursor.execute(driver.first)
        cursor.adbc_statement.set_options(**dict(driver.options))
        cursor.execute(query)
        with cursor.fetch_record_batch() as reader:
            yield reader


def _address(url: str) -> str:
    """What the driver connects to: of SQLite a file that is there, to be read only; else the URL, without SQLAlchemy's driver."""
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    if scheme != "sqlite":
        return f"{scheme}:{url.partition(':')[2]}"
    path = Path(unquote(parts.path.removeprefix("/")) if not parts.netloc else "")
    if not path.is_file():
        raise DataError(f"The database must be a file, as in 'sqlite:///shop.db' or 'sqlite:////srv/shop.db', but {path} is none.")
    return f"{path.resolve().as_uri()}?mode=ro"


def _write(reader: pa.RecordBatchReader, path: Path) -> int:
    form, rows = pa.schema([_plain(field) for field in reader.schema]), 0
    with pyarrow.parquet.ParquetWriter(path, form, compression="zstd") as writer:
        for batch in reader:
            columns = [_stored(column, field.type) for column, field in zip(batch.columns, form, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=form))
            rows += batch.num_rows
    return rows


def _plain(field: Any) -> Any:
    """A column without types that only the driver knows, such as PostgreSQL's exact numbers, which come as their texts."""
    own = isinstance(field.type, pa.BaseExtensionType) and not isinstance(field.type, pa.UuidType)
    return pa.field(field.name, field.type.storage_type if own else field.type)


def _stored(column: Any, kind: Any) -> Any:
    return column if column.type == kind else column.storage.cast(kind)


def _without_secrets(text: str, url: str) -> str:
    """The first line of what a driver says, without URL, user and password in any spelling."""
    parts = urlsplit(url)
    secrets = {url, _address_or_nothing(url), parts.netloc.rpartition("@")[0], parts.query}
    secrets |= {parts.password or "", unquote(parts.password or "")}
    secrets |= {value for pair in parts.query.split("&") for name, _, value in [pair.partition("=")] if "pass" in name.lower()}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return " ".join(text.split())[:_MAX_TOLD]


def _address_or_nothing(url: str) -> str:
    return "" if urlsplit(url).scheme.startswith("sqlite") else _address(url)
