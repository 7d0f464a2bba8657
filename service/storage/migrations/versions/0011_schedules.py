"""Models are refreshed by themselves, at times or when figures ask for it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Bring 0010 to 0011. No model has a schedule yet."""
    op.create_table(
        "schedules",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False, index=True),
        sa.Column("due_at", sa.Double),
        sa.Column("ran_at", sa.Double),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("job_id", sa.String(64)),
        sa.Column("missed", sa.Integer, nullable=False),
        sa.Column("missed_at", sa.JSON, nullable=False),
        sa.Column("skipped", sa.Integer, nullable=False),
        sa.Column("skipped_at", sa.Double),
        sa.Column("error", sa.Text),
        sa.Column("error_at", sa.Double),
    )
