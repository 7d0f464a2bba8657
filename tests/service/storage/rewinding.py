"""Databases taken back to earlier forms: each function drops what one form added."""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.storage.replica_tables import REPLICA_FIGURES, REQUEST_COUNTS
from ihas_service.storage.tables import (
    DATASET_VERSIONS,
    ITEM_FIELD_SUMS,
    ITEM_FIELDS,
    PROFILE_SUMS,
    PROFILES,
    PROMOTIONS,
    SCHEDULES,
    TRIAL_SUMS,
    TRIALS,
)

COLUMNS_OF_0009 = (("jobs", "dataset_version"), ("datasets", "limits"))
COLUMNS_OF_0010 = (
    ("model_versions", "candidate"),
    ("model_versions", "gates"),
    ("traffic", "trial"),
    ("traffic", "buckets"),
    ("answers", "trial"),
    ("answers", "challenger"),
)


def drop_0009(connection: sa.Connection) -> None:
    """From 0009 to 0008."""
    DATASET_VERSIONS.drop(connection)
    drop_columns(connection, COLUMNS_OF_0009)


def drop_0010(connection: sa.Connection) -> None:
    """From 0010 to 0009."""
    for table in (PROMOTIONS, TRIALS, TRIAL_SUMS):
        table.drop(connection)
    drop_columns(connection, COLUMNS_OF_0010)


def drop_0011(connection: sa.Connection) -> None:
    """From 0011 to 0010."""
    SCHEDULES.drop(connection)


def drop_0012(connection: sa.Connection) -> None:
    """From 0016 over 0013 and 0012 to 0011."""
    drop_0013(connection)
    drop_columns(connection, (("answers", "pool"), ("schedules", "events_until"), ("schedules", "append_version")))


def drop_0013(connection: sa.Connection) -> None:
    """From 0016 over 0013 to 0012."""
    drop_0014(connection)
    for table in (PROFILES, PROFILE_SUMS):
        table.drop(connection)
    for name in ("feedback_of_user", "direct_events_of_user"):
        connection.exec_driver_sql(f"drop index {name}")
    drop_columns(connection, tuple((table, "user_id") for table in ("answers", "feedback", "direct_events")))


def drop_0014(connection: sa.Connection) -> None:
    """From 0016 over 0014 to 0013."""
    drop_0015(connection)
    for table in (ITEM_FIELDS, ITEM_FIELD_SUMS):
        table.drop(connection)


def drop_0015(connection: sa.Connection) -> None:
    """From 0016 over 0015 to 0014."""
    drop_0016(connection)
    drop_columns(connection, (("jobs", "note"), ("jobs", "tags")))


def drop_0016(connection: sa.Connection) -> None:
    """From 0016 to 0015."""
    for table in (REQUEST_COUNTS, REPLICA_FIGURES):
        table.drop(connection)


def drop_columns(connection: sa.Connection, columns: tuple[tuple[str, str], ...]) -> None:
    """Drop columns, each named by its table and itself."""
    for table, column in columns:
        connection.exec_driver_sql(f"alter table {table} drop column {column}")
