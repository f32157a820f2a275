"""The steps by which the tables of accounts came to be as they are (Alembic)."""
