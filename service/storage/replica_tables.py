"""Tables of what several processes of the API know together."""

from __future__ import annotations

import sqlalchemy as sa

from ihas_service.storage.tables import METADATA, Json

REQUEST_COUNTS = sa.Table(
    "request_counts",
    METADATA,
    sa.Column("caller", sa.String(64), primary_key=True),
    sa.Column("began", sa.Double, nullable=False, index=True),
    sa.Column("requests", sa.Integer, nullable=False),
)

REPLICA_FIGURES = sa.Table(
    "replica_figures",
    METADATA,
    sa.Column("replica", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("figures", Json, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Index("replica_figures_of_model", "tenant", "model"),
)
