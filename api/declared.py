"""What apps declare, by name, as the edge needs it."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from streams import App, Record, Table
from streams.codec import event_type, members
from streams.documents import Documents
from streams.errors import DeclarationError

T = TypeVar("T")


def tables_of(apps: Iterable[App]) -> dict[str, tuple[str, Table[Any]]]:
    """Every table with its service. Raises DeclarationError where two services use one name."""
    found: dict[str, tuple[str, Table[Any]]] = {}
    for app in apps:
        _add(found, app.id, app.tables)
    return found


def documents_of(apps: Iterable[App]) -> dict[str, tuple[str, Documents[Any]]]:
    """Every collection of documents with its service. Raises DeclarationError where two services use one name."""
    found: dict[str, tuple[str, Documents[Any]]] = {}
    for app in apps:
        _add(found, app.id, app.collections)
    return found


def records_of(apps: Iterable[App]) -> dict[str, tuple[type[Record], ...]]:
    """Event name -> the record types that some agent or topic names for it."""
    found: dict[str, tuple[type[Record], ...]] = {}
    for part in (part for app in apps for topic in app.topics for part in members(topic.value_type)):
        name, record = event_type(part), cast(type[Record], part)
        if name is not None:
            others = found.get(name, ())
            found[name] = others if record in others else (*others, record)
    return found


def _add(found: dict[str, tuple[str, T]], service: str, more: Mapping[str, T]) -> None:
    for name, declared in more.items():
        if name in found:
            raise DeclarationError(f"{found[name][0]} and {service} both declare {name!r}: rename one of them")
        found[name] = (service, declared)
