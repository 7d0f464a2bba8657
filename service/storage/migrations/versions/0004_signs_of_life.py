"""A worker's sign of life is a number that grows, not a time; workers that were lost with a job are told apart from its attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Bring 0003 to 0004."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("beats", sa.Integer, nullable=False, server_default=sa.text("0")))
        jobs.add_column(sa.Column("lost", JSON, nullable=False, server_default=sa.text("'[]'")))
        jobs.drop_column("lease_until")
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("beats", existing_type=sa.Integer, server_default=None)
        jobs.alter_column("lost", existing_type=JSON, server_default=None)
