"""Answers and feedback are found by their time, and what people did is summed up by the hour as it is reported."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

HOUR_S = 3_600.0
KEYS = ("tenant", "model", "version", "group")
FEEDBACK = sa.table("feedback", *map(sa.column, ("answer_id", "item_id", "kind", "score", "at", *KEYS)))


def upgrade() -> None:
    """Bring 0005 to 0006."""
    for table in ("answers", "feedback"):
        op.create_index(f"{table}_time", table, ["at"])
    sums = op.create_table(
        "feedback_sums",
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("group", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("impressions", sa.Integer, nullable=False),
        sa.Column("clicks", sa.Integer, nullable=False),
        sa.Column("scored", sa.Double, nullable=False),
    )
    place = (FEEDBACK.c.answer_id, FEEDBACK.c.item_id, FEEDBACK.c.score, *(FEEDBACK.c[key] for key in KEYS))
    clicked = sa.func.max(sa.case((FEEDBACK.c.kind == "click", 1), else_=0)).label("clicked")
    hour = sa.cast(sa.func.floor(sa.func.min(FEEDBACK.c.at) / HOUR_S), sa.Integer).label("hour")
    if op.get_bind().dialect.name == "sqlite":  # has `floor` only where it was compiled with mathematics; its cast cuts off
        hour = sa.cast(sa.func.min(FEEDBACK.c.at) / HOUR_S, sa.Integer).label("hour")
    seen = sa.select(*place, clicked, hour).group_by(*place).subquery()
    names = [seen.c[name] for name in ("hour", *KEYS)]
    totals = (sa.func.count(), sa.func.sum(seen.c.clicked), sa.func.sum(seen.c.score))
    op.execute(sums.insert().from_select([column.name for column in sums.columns], sa.select(*names, *totals).group_by(*names)))
