"""A job knows which span submitted it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring 0002 to 0003."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("traceparent", sa.String(64)))
