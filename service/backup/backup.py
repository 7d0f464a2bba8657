"""Backup of a service, while it runs, and its restoration: the database as it was at one moment, and the bundles that it names.

The rows are read in one transaction. Bundles do not change once they are registered, so that those copied afterwards are those of that
moment. What says that a backup is whole is written last, and a restoration writes its rows last, in one transaction: whatever is cut off
leaves no half of either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from ihas.errors import BundleError, ConfigError
from ihas_service.backup.bundles import restore_bundle, save_bundle
from ihas_service.backup.place import FORMAT, Contents, Place
from ihas_service.settings import Settings
from ihas_service.storage.database import HEAD, Database, fill_empty, schema_of
from ihas_service.storage.database_copy import bundles_of, check_empty, put_rows, row_lines
from ihas_service.storage.older_tables import check_schema
from ihas_service.storage.tables import METADATA, database_now

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What was backed up or restored."""

    schema: str
    rows: int
    bundles: int


def back_up(settings: Settings, to: str, say: Say = lambda _: None) -> Copied:
    """Write database and bundles of a service to an empty folder or prefix.

    Args:
        settings: of the service.
        to: path or URL.
        say: is told what is done.

    Raises:
        ConfigError: the place is not empty, or the database has another schema than this version writes.
        BundleError: a bundle that the database names is missing or damaged.
        StoreError: the place took no bundle.
    """
    place = Place(to)
    place.check_empty()
    _check_schema(schema_of(settings.url))
    database = Database(settings.url)
    try:
        with database.snapshot() as connection:
            made_at = float(connection.execute(sa.select(database_now())).scalar_one())
            tables = {table.name: place.write_table(table.name, row_lines(connection, table)) for table in METADATA.sorted_tables}
            named = bundles_of(connection)
    finally:
        database.close()
    say(f"{sum(copy.rows for copy in tables.values())} rows written; {len(named)} bundles follow.")
    bundles = {path: _saved(settings, path, digest, place) for path, digest in named.items()}
    contents = Contents(format=FORMAT, schema_version=HEAD, made_at=made_at, tables=tables, bundles=bundles)
    place.finish(contents)
    return _copied(contents)


def restore(settings: Settings, source: str, say: Say = lambda _: None) -> Copied:
    """Bring a backup into an empty service; one of an older version is brought up to date.

    Args:
        settings: of the service, whose database must be empty.
        source: path or URL of the backup.
        say: is told what is done.

    Raises:
        ConfigError: there is no whole backup, a newer version wrote it, or the database holds rows.
        DataError: the backup is damaged.
        BundleError: a bundle of it is.
        StoreError: the store of bundles took none.
    """
    place = Place(source)
    contents = place.contents()
    check_schema(contents.schema_version)
    settings.folder.mkdir(parents=True, exist_ok=True)
    check_empty(settings.url)
    for name, copy in contents.tables.items():
        place.check_table(name, copy)
    say(f"The rows are whole; {len(contents.bundles)} bundles come first.")
    for path, digest in contents.bundles.items():
        restore_bundle(settings, path, digest, place.bundles)
    fill_empty(settings.url, contents.schema_version, lambda connection: _put(connection, contents, place))
    return _copied(contents)


def _put(connection: sa.Connection, contents: Contents, place: Place) -> None:
    put_rows(connection, contents.schema_version, tuple(contents.tables), place.lines)


def _check_schema(found: str | None) -> None:
    if found is None:
        raise ConfigError("There is no service to back up: its database has no tables. State IHAS_DATABASE_URL, or `--folder`.")
    if found != HEAD:
        law = f"A backup is taken by the version that wrote the database: it has schema {found}, this version of iHAS writes {HEAD}"
        raise ConfigError(f"{law}. Use that version, or start this one once, which brings the database up to date.")


def _saved(settings: Settings, path: str, digest: str | None, place: Place) -> str:
    try:
        return save_bundle(settings, path, digest, place.bundles)
    except BundleError as error:
        law = f"Every bundle that the database names is backed up, but {path} cannot be"
        raise BundleError(f"{law}: {error} If its version was deleted just now, take the backup again elsewhere.") from error


def _copied(contents: Contents) -> Copied:
    return Copied(contents.schema_version, sum(copy.rows for copy in contents.tables.values()), len(contents.bundles))
