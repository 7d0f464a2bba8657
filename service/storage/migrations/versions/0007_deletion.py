"""What is kept is counted and can be deleted: numbers of versions outlive versions, and files that are to go are listed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

EVENT_BYTES = 200
INDICES = {
    "datasets_tenant": ("datasets", ["tenant", "number"]),
    "jobs_dataset": ("jobs", ["dataset_id"]),
    "jobs_bytes": ("jobs", ["tenant", "bytes"]),
    "jobs_finished": ("jobs", ["kind", "finished_at"]),
    "answers_of_tenant": ("answers", ["tenant", "at"]),
}


def upgrade() -> None:
    """Bring 0006 to 0007."""
    op.add_column("datasets", sa.Column("deleted_at", sa.Double))
    op.add_column("jobs", sa.Column("bytes", sa.BigInteger))
    op.add_column("jobs", sa.Column("emptied", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("model_versions", sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("answers", sa.Column("bytes", sa.Integer, nullable=False, server_default="0"))
    for name, (table, columns) in INDICES.items():
        op.create_index(name, table, columns)
    op.create_table(
        "removals",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    _numbers()
    _answer_bytes()


def _numbers() -> None:
    numbers = op.create_table(
        "model_numbers",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
    versions = sa.table("model_versions", *map(sa.column, ("tenant", "name", "version")))
    names = (versions.c.tenant, versions.c.name)
    op.execute(
        numbers.insert().from_select(["tenant", "name", "last"], sa.select(*names, sa.func.max(versions.c.version)).group_by(*names))
    )


def _answer_bytes() -> None:
    """Answers from before count nothing, since they would have to be read; they go within `IHAS_FEEDBACK_KEPT_S`."""
    kept = op.create_table(
        "answer_bytes",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    feedback = sa.table("feedback", sa.column("tenant"))
    counted = sa.select(feedback.c.tenant, sa.func.count() * EVENT_BYTES).group_by(feedback.c.tenant)
    op.execute(kept.insert().from_select(["tenant", "bytes"], counted))
