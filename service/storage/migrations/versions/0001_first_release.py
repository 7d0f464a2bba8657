"""The tables of 0.1.0, which were created without a version."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: a database without a version has this form."""
