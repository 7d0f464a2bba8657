"""Data sets grow: versions after the first, limits on what they may change, and the version that a job reads."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Bring 0008 to 0009. What was a data set is its first version; jobs of before name none, which means that one."""
    op.add_column("jobs", sa.Column("dataset_version", sa.Integer))
    op.add_column("datasets", sa.Column("limits", JSON))
    op.create_table(
        "dataset_versions",
        sa.Column("dataset_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("parent", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("path", sa.Text),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("rows", sa.BigInteger),
        sa.Column("job_id", sa.String(64), nullable=False, unique=True),
        sa.Column("report", JSON),
        sa.Column("error", JSON),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("deleted_at", sa.Double),
    )
    op.create_index("dataset_versions_tenant", "dataset_versions", ["tenant"])
