"""Answers say which items their order was drawn from; schedules append what was shown to their data sets."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Bring 0011 to 0012. No order of an answer that is kept was drawn, and no schedule has appended anything."""
    op.add_column("answers", sa.Column("pool", sa.JSON))
    op.add_column("schedules", sa.Column("events_until", sa.Double))
    op.add_column("schedules", sa.Column("append_version", sa.Integer))
