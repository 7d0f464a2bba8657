"""Every job, data set and model gets a tenant; aliases, traffic, keys, answers and feedback get tables."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

LOCAL = sa.text("'local'")
JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Bring 0001 to 0002."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("tenant", sa.String(64), nullable=False, server_default=LOCAL))
        jobs.add_column(sa.Column("priority", sa.Integer, nullable=False, server_default=sa.text("0")))
    with op.batch_alter_table("datasets") as datasets:
        datasets.add_column(sa.Column("tenant", sa.String(64), nullable=False, server_default=LOCAL))
    with op.batch_alter_table("model_versions") as models:
        models.add_column(sa.Column("tenant", sa.String(64), nullable=False, server_default=LOCAL))
        models.add_column(sa.Column("facts", JSON, nullable=False, server_default=sa.text("'{}'")))
    _constraints()
    _new_tables()


def _constraints() -> None:
    names = {"uq": "%(table_name)s_%(column_0_name)s_key", "pk": "%(table_name)s_pkey"}
    with op.batch_alter_table("jobs", naming_convention=names) as jobs:
        jobs.drop_constraint("jobs_key_key", type_="unique")
        jobs.create_unique_constraint("jobs_tenant_key", ["tenant", "key"])
        jobs.alter_column("tenant", existing_type=sa.String(64), server_default=None)
        jobs.alter_column("priority", existing_type=sa.Integer, server_default=None)
    with op.batch_alter_table("datasets") as datasets:
        datasets.alter_column("tenant", existing_type=sa.String(64), server_default=None)
    with op.batch_alter_table("model_versions", naming_convention=names) as models:
        models.drop_constraint("model_versions_pkey", type_="primary")
        models.create_primary_key("model_versions_pkey", ["tenant", "name", "version"])
        models.alter_column("tenant", existing_type=sa.String(64), server_default=None)
        models.alter_column("facts", existing_type=JSON, server_default=None)


def _new_tables() -> None:
    op.create_table(
        "aliases",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("alias", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("change", sa.Integer, nullable=False),
    )
    op.create_table(
        "alias_changes",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("alias", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("before", sa.Integer),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.UniqueConstraint("tenant", "model", "alias", "revision", name="alias_changes_revision"),
    )
    op.create_table(
        "traffic",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("plan", JSON, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
    )
    _feedback()


def _feedback() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("items", JSON, nullable=False),
    )
    op.create_index("answers_at", "answers", ["tenant", "model", "at"])
    op.create_table(
        "feedback",
        sa.Column("answer_id", sa.String(64), primary_key=True),
        sa.Column("item_id", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("group", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("feedback_at", "feedback", ["tenant", "model", "at"])
