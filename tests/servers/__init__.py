"""Real servers for tests: RabbitMQ with streams, PostgreSQL, and Redis.

They come from `WARREN_TEST_BROKER`, `WARREN_TEST_STREAM`, `WARREN_TEST_MANAGEMENT`, `WARREN_TEST_POSTGRES` and
`WARREN_TEST_REDIS` where these are set, else from Docker where an engine answers, else from the machine's packages, on
ports and in directories of their own. Tests get them from the fixtures of `tests/conftest.py`, commands by
`python -m tests.servers run -- COMMAND`.
"""
