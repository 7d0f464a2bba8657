"""What people write down about a search."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Bring 0014 to 0015. Nothing was written down before."""
    op.add_column("jobs", sa.Column("note", sa.Text))
    op.add_column("jobs", sa.Column("tags", sa.JSON))
