"""A store of documents in Redis, for any number of processes. It has no tables, so no log agent can run on it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from stores import redis_documents, redis_pages, redis_schema
from stores.documents_only import DocumentsOnly
from stores.names import check_keys, checked_name
from stores.pages import page_query
from stores.port import Capabilities, Change, Document, Durability, PageOfRows, Put, Row, TableSpec
from stores.redis_connections import Connections
from stores.redis_documents import Overtaken
from stores.redis_errors import translated
from stores.redis_grade import capabilities
from stores.redis_layout import Layout
from stores.redis_pages import Reshaped


class RedisStore(DocumentsOnly):
    """Everything under keys that begin with `warren:{SERVICE}`; `redis_layout.py` says how it lies there."""

    def __init__(self, url: str, service: str, *, timeout: float = 10.0) -> None:
        """`url` is `redis://user:password@host:port/database`, or `rediss://…` for TLS; `timeout` in seconds is for
        each answer."""
        self._layout = Layout(checked_name(service))
        self._connections = Connections(url, timeout)
        self._capabilities = capabilities(Durability.KILL)

    @classmethod
    def from_url(cls, url: str, service: str, lease: float) -> "RedisStore":
        """A database with keys for each service."""
        return cls(url, service, timeout=lease)

    @property
    def capabilities(self) -> Capabilities:
        """As the server's settings were at `open`; before that, the least that a server must give."""
        return self._capabilities

    async def open(self) -> None:
        try:
            self._capabilities = await self._connections.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._connections.close()

    # --- schema ---

    async def plan(self, tables: Sequence[TableSpec]) -> list[Change]:
        async with self._connections.client() as client:
            return redis_schema.plan(self._layout, await redis_schema.shapes(client, self._layout), tables)

    async def apply(self, tables: Sequence[TableSpec]) -> list[Change]:
        async with self._connections.client() as client:
            with translated(writing=True):
                return await redis_schema.apply(client, self._layout, tables)

    # --- views ---

    async def get(self, table: str, keys: Sequence[str]) -> list[Row]:
        return [Row(0, key, found.value) for key, found in sorted((await self.read(table, keys)).items())]

    async def query(
        self,
        table: str,
        *,
        equals: Mapping[str, str] | None = None,
        prefix: str = "",
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> PageOfRows:
        query = page_query(table, equals, prefix, order_by, descending, limit, cursor)
        async with self._connections.client() as client:
            while True:
                with suppress(Reshaped):
                    shape = await redis_documents.shape_of(client, self._layout, table)
                    return query.page(await redis_pages.rows(client, self._layout, query, shape))

    # --- documents ---

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        check_keys(ids)
        async with self._connections.client() as client:
            return (await redis_documents.read(client, self._layout, checked_name(documents), ids))[1]

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        check_keys([put.id for put in puts])
        async with self._connections.client() as client:
            while True:
                with suppress(Overtaken):
                    return await redis_documents.write(client, self._layout, checked_name(documents), puts)
