"""Schedules append what was shown to their data sets."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring 0012 to 0013. No schedule has appended anything."""
    op.add_column("schedules", sa.Column("events_until", sa.Double))
    op.add_column("schedules", sa.Column("append_version", sa.Integer))
