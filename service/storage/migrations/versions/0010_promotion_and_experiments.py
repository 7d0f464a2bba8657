"""A version may be a candidate, with what its gates said; and models say which versions go live without a person."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    """Bring 0007 to 0010. Versions that there are stay live: the newest serves where none was promoted."""
    op.add_column("model_versions", sa.Column("candidate", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("model_versions", sa.Column("gates", sa.JSON))
    op.create_table(
        "promotions",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
