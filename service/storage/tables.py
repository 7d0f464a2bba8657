"""Tables of the service."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ihas_service.storage.put_tables import fields_put, sums_put

METADATA = sa.MetaData()

Json = sa.JSON(none_as_null=True)
OF_A_USER = sa.text("user_id is not null")
"""Rows that an index of users holds."""


class database_now(FunctionElement[float]):  # noqa: N801 - read as an SQL function
    """Seconds since 1970 by the database's clock."""

    inherit_cache = True
    type = sa.Double()


@compiles(database_now, "sqlite")
def _now_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _now_postgresql(*_: Any, **__: Any) -> str:
    return "cast(extract(epoch from clock_timestamp()) as double precision)"


JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), unique=True, nullable=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("dataset_id", sa.String(64), nullable=False),
    sa.Column("settings", Json, nullable=False),
    sa.Column("key", sa.String(255)),
    sa.Column("body_hash", sa.String(64)),
    sa.Column("traceparent", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("stage", sa.String(16)),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(200)),
    sa.Column("beats", sa.Integer, nullable=False),
    sa.Column("lost", Json, nullable=False),
    sa.Column("heartbeat_at", sa.Double),
    sa.Column("fraction", sa.Double, nullable=False),
    sa.Column("eta_s", sa.Double),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("error", Json),
    sa.Column("last_event", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Integer),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("emptied", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("dataset_version", sa.Integer),
    sa.Column("note", sa.Text),
    sa.Column("tags", Json),
    sa.UniqueConstraint("tenant", "key", name="jobs_tenant_key"),
    sa.Index("jobs_dataset", "dataset_id"),
    sa.Index("jobs_bytes", "tenant", "bytes"),
    sa.Index("jobs_finished", "kind", "finished_at"),
)

EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("job_id", sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("stage", sa.String(16)),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("fraction", sa.Double, nullable=False),
    sa.Column("eta_s", sa.Double),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("metrics", Json, nullable=False),
    sa.Column("error", Json),
)

DATASETS = sa.Table(
    "datasets",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), unique=True, nullable=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reading", Json, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("referenced", sa.Boolean, nullable=False),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("job_id", sa.String(64)),
    sa.Column("report", Json),
    sa.Column("error", Json),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("deleted_at", sa.Double),
    sa.Column("limits", Json),
    sa.Index("datasets_tenant", "tenant", "number"),
)

DATASET_VERSIONS = sa.Table(
    "dataset_versions",
    METADATA,
    sa.Column("dataset_id", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("parent", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("file_sha256", sa.String(64), nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("rows", sa.BigInteger),
    sa.Column("job_id", sa.String(64), nullable=False, unique=True),
    sa.Column("report", Json),
    sa.Column("error", Json),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("deleted_at", sa.Double),
    sa.Index("dataset_versions_tenant", "tenant"),
)

MODELS = sa.Table(
    "model_versions",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("job_id", sa.ForeignKey("jobs.id"), unique=True, nullable=False),
    sa.Column("facts", Json, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("candidate", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("gates", Json),
)

MODEL_NUMBERS = sa.Table(
    "model_numbers",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

ALIASES = sa.Table(
    "aliases",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("alias", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("change", sa.Integer, nullable=False),
)

ALIAS_CHANGES = sa.Table(
    "alias_changes",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("alias", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("before", sa.Integer),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.UniqueConstraint("tenant", "model", "alias", "revision", name="alias_changes_revision"),
)

PROMOTIONS = sa.Table(
    "promotions",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("settings", Json, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)

SCHEDULES = sa.Table(
    "schedules",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("settings", Json, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False, index=True),
    sa.Column("due_at", sa.Double),
    sa.Column("ran_at", sa.Double),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("job_id", sa.String(64)),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("missed_at", Json, nullable=False),
    sa.Column("skipped", sa.Integer, nullable=False),
    sa.Column("skipped_at", sa.Double),
    sa.Column("error", sa.Text),
    sa.Column("error_at", sa.Double),
    sa.Column("events_until", sa.Double),
    sa.Column("append_version", sa.Integer),
)

TRAFFIC = sa.Table(
    "traffic",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("plan", Json, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("trial", sa.Integer, nullable=False, server_default="0"),
    sa.Column("buckets", Json),
)

TRIALS = sa.Table(
    "trials",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("plan", Json, nullable=False),
    sa.Column("began", sa.Double, nullable=False),
    sa.Column("ended", sa.Double, index=True),
    sa.Column("decisions", Json, nullable=False),
)

TRIAL_SUMS = sa.Table(
    "trial_sums",
    METADATA,
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("answers", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("squares", sa.BigInteger, nullable=False),
    sa.Column("wins", sa.BigInteger, nullable=False),
    sa.Column("losses", sa.BigInteger, nullable=False),
    sa.Index("trial_sums_of_model", "tenant", "model", "trial"),
)

KEYS = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False, index=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
)

ANSWERS = sa.Table(
    "answers",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("items", Json, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("context", sa.Text),
    sa.Column("canary", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("trial", sa.Integer, nullable=False, server_default="0"),
    sa.Column("challenger", Json),
    sa.Column("pool", Json),
    sa.Column("user_id", sa.String(255)),
    sa.Index("answers_at", "tenant", "model", "at", "id"),
    sa.Index("answers_of_tenant", "tenant", "at"),
    sa.Index("answers_time", "at"),
)

ANSWER_BYTES = sa.Table(
    "answer_bytes",
    METADATA,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("answer_id", sa.String(64), primary_key=True),
    sa.Column("item_id", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("group", sa.Integer, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("happened_at", sa.Double),
    sa.Column("user_id", sa.String(255)),
    sa.Index("feedback_of_user", "tenant", "model", "user_id", sqlite_where=OF_A_USER, postgresql_where=OF_A_USER),
    sa.Index("feedback_at", "tenant", "model", "at"),
    sa.Index("feedback_time", "at"),
)

DIRECT_EVENTS = sa.Table(
    "direct_events",
    METADATA,
    sa.Column("digest", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("place", sa.String(32), nullable=False),
    sa.Column("context", sa.Text, nullable=False),
    sa.Column("item_id", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("happened_at", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("user_id", sa.String(255)),
    sa.Index("direct_events_of_user", "tenant", "model", "user_id", sqlite_where=OF_A_USER, postgresql_where=OF_A_USER),
    sa.Index("direct_events_order", "tenant", "model", "happened_at", "digest"),
    sa.Index("direct_events_place", "place", "happened_at", "kind"),
    sa.Index("direct_events_of_tenant", "tenant", "happened_at"),
    sa.Index("direct_events_time", "happened_at"),
)

FEEDBACK_SUMS = sa.Table(
    "feedback_sums",
    METADATA,
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("group", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("impressions", sa.Integer, nullable=False),
    sa.Column("clicks", sa.Integer, nullable=False),
    sa.Column("scored", sa.Double, nullable=False),
)


PROFILES, PROFILE_SUMS = fields_put(METADATA, "profiles", "user_id"), sums_put(METADATA, "profile_sums", "users")
ITEM_FIELDS, ITEM_FIELD_SUMS = fields_put(METADATA, "item_fields", "item_id"), sums_put(METADATA, "item_field_sums", "items")

REMOVALS = sa.Table(
    "removals",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
