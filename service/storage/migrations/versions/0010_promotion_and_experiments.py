"""Versions may be candidates, with what their gates said; models say which versions go live unasked; plans of traffic are trials."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring 0009 to 0010. Versions that there are stay live: the newest serves where none was promoted."""
    op.add_column("model_versions", sa.Column("candidate", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("model_versions", sa.Column("gates", sa.JSON))
    op.add_column("traffic", sa.Column("trial", sa.Integer, nullable=False, server_default="0"))
    op.add_column("traffic", sa.Column("buckets", sa.JSON))
    op.add_column("answers", sa.Column("trial", sa.Integer, nullable=False, server_default="0"))
    op.add_column("answers", sa.Column("challenger", sa.JSON))
    op.create_table(
        "promotions",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_table(
        "trials",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("began", sa.Double, nullable=False),
        sa.Column("ended", sa.Double, index=True),
        sa.Column("decisions", sa.JSON, nullable=False),
    )
    op.create_table(
        "trial_sums",
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("answers", "total", "squares", "wins", "losses")),
        sa.Index("trial_sums_of_model", "tenant", "model", "trial"),
    )
