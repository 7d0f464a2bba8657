"""Answers say which items their order was drawn from."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Bring 0011 to 0012. No order of an answer that is kept was drawn."""
    op.add_column("answers", sa.Column("pool", sa.JSON))
