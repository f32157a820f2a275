"""Real servers for tests: RabbitMQ with streams, and PostgreSQL.

They come from `WARREN_TEST_BROKER`, `WARREN_TEST_STREAM`, `WARREN_TEST_MANAGEMENT` and `WARREN_TEST_POSTGRES` where
these are set, else from Docker where an engine answers, else from the machine's packages, on ports and in directories
of their own. Tests get them from the fixtures of `tests/conftest.py`, commands by
`python -m tests.servers run -- COMMAND`.
"""
