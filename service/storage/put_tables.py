"""Tables of the fields that were put beside a bundle, in one form: of users, and of items."""

from __future__ import annotations

import sqlalchemy as sa


def fields_put(metadata: sa.MetaData, name: str, key: str) -> sa.Table:
    """Fields that were put of users or items, by model."""
    return sa.Table(
        name,
        metadata,
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column(key, sa.String(255), primary_key=True),
        sa.Column("fields", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Index(f"{name}_changed", "tenant", "model", "revision"),
    )


def sums_put(metadata: sa.MetaData, name: str, count: str) -> sa.Table:
    """What of them is kept of each model."""
    keys = [sa.Column("tenant", sa.String(64), primary_key=True), sa.Column("model", sa.String(200), primary_key=True)]
    return sa.Table(name, metadata, *keys, *(sa.Column(one, sa.BigInteger, nullable=False) for one in ("revision", count, "bytes")))
