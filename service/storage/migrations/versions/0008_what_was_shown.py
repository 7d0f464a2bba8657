"""What was shown becomes rows: answers keep their context, events a value and a time, and events without an answer a table."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

INDICES = {
    "direct_events_order": ["tenant", "model", "happened_at", "digest"],
    "direct_events_place": ["place", "happened_at", "kind"],
    "direct_events_of_tenant": ["tenant", "happened_at"],
    "direct_events_time": ["happened_at"],
}


def upgrade() -> None:
    """Bring 0007 to 0008; answers from before have no context, and events from before happened when they were reported."""
    op.add_column("answers", sa.Column("context", sa.Text))
    op.add_column("answers", sa.Column("canary", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_index("answers_at", "answers")
    op.create_index("answers_at", "answers", ["tenant", "model", "at", "id"])
    op.add_column("feedback", sa.Column("value", sa.Double))
    op.add_column("feedback", sa.Column("happened_at", sa.Double))
    op.create_table(
        "direct_events",
        sa.Column("digest", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("place", sa.String(32), nullable=False),
        sa.Column("context", sa.Text, nullable=False),
        sa.Column("item_id", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("happened_at", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
    )
    for name, columns in INDICES.items():
        op.create_index(name, "direct_events", columns)
