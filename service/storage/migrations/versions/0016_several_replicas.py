"""What several processes of the API know together: requests of a caller within a minute, and figures of how rows are routed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Bring 0015 to 0016. Every process begins to count."""
    op.create_table(
        "request_counts",
        sa.Column("caller", sa.String(64), primary_key=True),
        sa.Column("began", sa.Double, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Index("ix_request_counts_began", "began"),
    )
    op.create_table(
        "replica_figures",
        sa.Column("replica", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Index("ix_replica_figures_at", "at"),
        sa.Index("replica_figures_of_model", "tenant", "model"),
    )
