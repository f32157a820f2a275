"""How Alembic runs: on a connection that it is given, or into a text; see `agents/auth/schema.py`."""

from alembic import context

from agents.auth.models import Model

connection = context.config.attributes.get("connection")
if connection is None:
    context.configure(dialect_name=context.config.attributes["dialect"], target_metadata=Model.metadata)
else:
    context.configure(connection=connection, target_metadata=Model.metadata)
with context.begin_transaction():
    context.run_migrations()
