"""A YAML file as nodes that know where they stand.

PyYAML's `compose` keeps the position of every node and all pairs of a mapping, so that repeated keys can be told.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import yaml

from topology.faults import Fault, Place, Severity
from topology.spec import nearest

KeyPath = tuple[str | int, ...]

_STR, _INT, _BOOL, _NULL = (f"tag:yaml.org,2002:{name}" for name in ("str", "int", "bool", "null"))


@dataclass(frozen=True, slots=True)
class Page:
    """One file being read: what is wrong in it, and where each of its values stands."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, *path: str | int) -> Place:
        """Where the value under these keys stands, or the nearest value above it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file, 1, 1))

    def fault(self, place: Place, message: str, severity: Severity = "error") -> None:
        self.faults.append(Fault(place, message, severity))


def compose(text: str, page: Page) -> "Node | None":
    """The root of a file; None, and a fault on the page, where it cannot be read as YAML or is empty."""
    try:
        raw = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(page.file, mark.line + 1, mark.column + 1) if mark else page.place()
        page.fault(place, f"this is not YAML: {error.problem or error.context}")
        return None
    except yaml.YAMLError as error:
        page.fault(page.place(), f"this is not YAML: {str(error).splitlines()[0]}")
        return None
    except RecursionError:
        page.fault(page.place(), "this is nested too deeply: a topology file has five levels at most")
        return None
    if raw is None:
        page.fault(page.place(), "the file is empty: begin with `service: NAME`, or remove it")
        return None
    return Node(raw, page)


class Node:
    """A value and its place.

    Its readers give None, or nothing, for a value of the wrong kind, and put a fault on the page.
    """

    def __init__(self, raw: yaml.Node, page: Page, path: KeyPath = (), mark: yaml.Mark | None = None) -> None:
        mark = mark if mark and not isinstance(raw, yaml.ScalarNode) else raw.start_mark
        self.raw = raw
        self.page = page
        self.path = path
        self.place = Place(page.file, mark.line + 1, mark.column + 1, _shown(path))

    def fault(self, message: str) -> None:
        self.page.fault(self.place, message)

    def fields(self, known: Collection[str]) -> dict[str, "Node"]:
        """The values of a mapping whose keys are these."""
        found = dict(self.entries())
        for key in [key for key in found if key not in known]:
            found.pop(key).fault(f"unknown key {key!r}{nearest(key, known)} (known here: {', '.join(known)})")
        return found

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """The pairs of a mapping whose keys are names, without repeated ones."""
        if not isinstance(self.raw, yaml.MappingNode):
            self._expected("a mapping (`key: value`, or `{}`)")
            return
        seen: dict[str, int] = {}
        for key_raw, value_raw in self.raw.value:
            path = (*self.path, key_raw.value) if isinstance(key_raw, yaml.ScalarNode) else self.path
            key = Node(key_raw, self.page, path)
            name = key.text()
            if name is not None and name in seen:
                key.fault(f"{name!r} stands here twice: the first is in line {seen[name]}")
            elif name is not None:
                seen[name] = key.place.line
                yield name, self._child(value_raw, name, key_raw.start_mark)

    def items(self) -> list["Node"]:
        """The elements of a list."""
        if not isinstance(self.raw, yaml.SequenceNode):
            self._expected("a list (`[a, b]`)")
            return []
        return [self._child(raw, number) for number, raw in enumerate(self.raw.value)]

    def _child(self, raw: yaml.Node, step: str | int, mark: yaml.Mark | None = None) -> "Node":
        child = Node(raw, self.page, (*self.path, step), mark)
        self.page.places[child.path] = child.place
        return child

    def words(self) -> Iterator[tuple[str, "Node"]]:
        """The elements of a list of texts. Their places are found by the text as well (`Page.place(…, text)`)."""
        for item in self.items():
            text = item.text()
            if text is not None:
                self.page.places[(*self.path, text)] = item.place
                yield text, item

    def is_mapping(self) -> bool:
        return isinstance(self.raw, yaml.MappingNode)

    def is_mapping_list(self) -> bool:
        """Whether this is a list that begins with a mapping."""
        if not isinstance(self.raw, yaml.SequenceNode):
            return False
        return isinstance(next(iter(self.raw.value), None), yaml.MappingNode)

    def is_empty(self) -> bool:
        """Whether this is a mapping or list that holds nothing."""
        return isinstance(self.raw, yaml.CollectionNode) and not self.raw.value

    def text(self) -> str | None:
        value = self.scalar()
        if isinstance(value, str):
            return value
        if value is not None:
            self.fault(f"expected a text, found {_kind(self.raw)}: write it in quotes, '{self.raw.value}'")
        return None

    def number(self, least: int) -> int | None:
        """A whole number that is not below `least`."""
        value = self.scalar()
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        if value is not None:
            self.fault(f"expected a whole number, {least} or more, found {self.raw.value!r}")
        return None

    def scalar(self) -> str | int | bool | None:
        """A text, a whole number or a truth value."""
        if not isinstance(self.raw, yaml.ScalarNode) or self.raw.tag == _NULL:
            self._expected("a single value")
            return None
        text: str = self.raw.value
        if self.raw.tag == _STR:
            return text
        if self.raw.tag == _BOOL:
            return text.lower() in ("yes", "true", "on")
        if self.raw.tag == _INT and re.fullmatch(r"-?(0|[1-9][0-9]*)", text):
            return int(text)
        self.fault(f"expected a text or a plain decimal number, found {text!r}: write a text in quotes")
        return None

    def _expected(self, what: str) -> None:
        self.fault(f"expected {what}, found {_kind(self.raw)}")


def _kind(raw: yaml.Node) -> str:
    if isinstance(raw, yaml.MappingNode):
        return "a mapping"
    if isinstance(raw, yaml.SequenceNode):
        return "a list"
    kinds = {_STR: "a text", _INT: "a number", _BOOL: "a truth value", _NULL: "nothing"}
    return kinds.get(raw.tag, f"a {raw.tag.rpartition(':')[2]}")


def _shown(path: KeyPath) -> str:
    """Keys hold dots, so slashes stand between them: `queues/auth.user.created/bind/user.events[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f"/{step}"
    return text.removeprefix("/")
