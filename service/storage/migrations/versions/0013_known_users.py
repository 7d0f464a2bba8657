"""Fields of known users beside the bundle, and whose clicks events are."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring 0012 to 0013. Nothing is known of users but by bundles; events of before are nobody's."""
    op.create_table(
        "profiles",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("user_id", sa.String(255), primary_key=True),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Index("profiles_changed", "tenant", "model", "revision"),
    )
    op.create_table(
        "profile_sums",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("users", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    known = sa.text("user_id is not null")
    for table in ("answers", "feedback", "direct_events"):
        op.add_column(table, sa.Column("user_id", sa.String(255)))
    for table in ("feedback", "direct_events"):
        columns = ["tenant", "model", "user_id"]
        op.create_index(f"{table}_of_user", table, columns, sqlite_where=known, postgresql_where=known)
