"""How Alembic runs the steps beside this file: on the connection that `ihas_service.storage.database` hands over, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
