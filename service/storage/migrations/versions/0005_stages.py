"""A job that a worker carries out is `running`; what it is doing is a column of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

STAGES = {"validating": "reading", "searching": "search", "clustering": "cluster", "retraining": "retrain", "evaluating": "evaluate"}
FINISHED = ("succeeded", "failed", "cancelled")


def upgrade() -> None:
    """Bring 0004 to 0005."""
    for name in ("jobs", "events"):
        with op.batch_alter_table(name) as altered:
            altered.add_column(sa.Column("stage", sa.String(16)))
    jobs, events = (sa.table(name, *map(sa.column, columns)) for name, columns in (("jobs", JOB), ("events", EVENT)))
    for table in (jobs, events):
        stage = sa.case(STAGES, value=table.c.state)
        op.execute(table.update().where(table.c.state.in_(STAGES)).values(stage=stage, state="running"))
    before = events.alias("before")
    last = sa.select(before.c.stage).where(before.c.job_id == events.c.job_id, before.c.id == events.c.id - 1).scalar_subquery()
    op.execute(events.update().where(events.c.state.in_(FINISHED)).values(stage=last))
    final = sa.select(events.c.stage).where(events.c.job_id == jobs.c.id, events.c.id == jobs.c.last_event).scalar_subquery()
    op.execute(jobs.update().where(jobs.c.state.in_(FINISHED)).values(stage=final))


JOB = ("id", "state", "stage", "last_event")
EVENT = ("job_id", "id", "state", "stage")
