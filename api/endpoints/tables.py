"""Any table or collection of documents, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from api.bodies import Body, Page
from api.caller import guarded
from api.dependencies import Cursor, GivenEdge, Limit
from api.edge import Edge
from api.hiding import is_hidden, shown
from api.media import JSON
from api.openapi import problems
from api.problems import Problem
from stores.names import MAX_KEY_BYTES
from streams import Table
from streams.codec import encode
from streams.documents import Documents
from topology.spec import nearest

router = APIRouter(
    prefix="/api/tables", tags=["tables"], dependencies=[guarded("tables:read")], responses=problems(401, 403)
)


class TableBody(Body):
    """A table or a collection of documents, and the fields that it can be asked by."""

    name: str
    service: str
    kind: Literal["table", "documents"]
    index: list[str]


class RowBody(Body):
    """A row. Tables have one for each key and partition; documents are in partition 0."""

    key: str
    partition: int
    value: Any


class EntryBody(Body):
    """What is kept under a key, over all partitions."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Kept:
    service: str
    holder: Table[Any] | Documents[Any]

    @property
    def index(self) -> list[str]:
        return [field for field in self.holder.index if not is_hidden(field)]


@router.get("", responses=problems(503))
async def list_tables(edge: GivenEdge) -> Page[TableBody]:
    """All of them, by name, on one page."""
    return Page(items=[_described(name, _kept(edge, name)) for name in sorted({**edge.tables, **edge.documents})])


_FILTER: Final[dict[str, Any]] = {
    "name": "fields",
    "in": "query",
    "description": "Each indexed field by its name: rows whose field equals that text.",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
_RESERVED: Final = {"prefix", "orderBy", "descending", "limit", "cursor"}


@router.get(
    "/{table}",
    response_model=Page[RowBody],
    responses=problems(404, 422, 503),
    openapi_extra={"parameters": [_FILTER]},
)
async def query_table(
    table: str,
    request: Request,
    edge: GivenEdge,
    prefix: Annotated[str, Query(max_length=MAX_KEY_BYTES, description="Of the key.")] = "",
    order_by: Annotated[str | None, Query(alias="orderBy", description="An indexed field; else the key.")] = None,
    descending: bool = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """A page of rows, as they are kept."""
    kept = _kept(edge, table)
    if order_by is not None:
        _check_field(order_by, table, kept)
    page = await edge.store(kept.service).query(
        table,
        equals=_equals(request, table, kept),
        prefix=prefix,
        order_by=order_by,
        descending=descending,
        limit=limit,
        cursor=cursor,
    )
    items = [{"key": row.key, "partition": row.partition, "value": shown(row.value)} for row in page.rows]
    return _json({"items": items, "nextCursor": page.cursor})


@router.get("/{table}/{key:path}", response_model=EntryBody, responses=problems(404, 422, 503))
async def get_entry(table: str, key: str, edge: GivenEdge) -> Response:
    """What is kept under one key; the values of several partitions are merged, as the table says."""
    value = await _value(edge, _kept(edge, table), key) if _can_be_key(key) else None
    if value is None:
        raise Problem(404, "key_not_found", f"{table!r} holds nothing under {key[:100]!r}")
    return _json({"key": key, "value": shown(value)})


async def _value(edge: Edge, kept: _Kept, key: str) -> bytes | None:
    if isinstance(kept.holder, Table):
        value = await edge.view(kept.service, kept.holder).get(key)
        return None if value is None else encode(value)
    found = await edge.store(kept.service).read(kept.holder.name, [key])
    return found[key].value if key in found else None


def _kept(edge: Edge, name: str) -> _Kept:
    if name in edge.tables:
        return _Kept(*edge.tables[name])
    if name in edge.documents:
        return _Kept(*edge.documents[name])
    hint = nearest(name, [*edge.tables, *edge.documents])
    raise Problem(404, "table_not_found", f"there is no table {name[:100]!r}{hint}; see /api/tables")


def _described(name: str, kept: _Kept) -> TableBody:
    kind: Literal["table", "documents"] = "table" if isinstance(kept.holder, Table) else "documents"
    return TableBody(name=name, service=kept.service, kind=kind, index=kept.index)


def _equals(request: Request, table: str, kept: _Kept) -> Mapping[str, str]:
    equals: dict[str, str] = {}
    for field, text in request.query_params.multi_items():
        if field not in _RESERVED:
            _check_field(field, table, kept)
            if equals.setdefault(field, text) != text:
                raise Problem(422, "invalid_query", f"{field!r} cannot equal two texts: name it once")
    return equals


def _check_field(field: str, table: str, kept: _Kept) -> None:
    if field not in kept.index:
        hint = nearest(field, [*kept.index, *_RESERVED])
        raise Problem(422, "invalid_query", f"{table!r} has no index for {field[:100]!r}{hint}; see /api/tables")


def _can_be_key(key: str) -> bool:
    return "\0" not in key and len(key.encode()) <= MAX_KEY_BYTES


def _json(content: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type=JSON)
