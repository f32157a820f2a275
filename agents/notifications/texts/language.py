"""The language of templates: the part of Jinja2 that names data and decides; nothing that calls, repeats or reckons.

So a template ends, and is hardly longer than its text and its data are, whoever wrote it. What is not named here is
refused before Jinja2 compiles it (compiling already works constants out). The sandbox stands behind it all the same.
"""

import re
from typing import Final

import jinja2
from jinja2 import nodes

LONGEST: Final = 20_000
"""Characters of one text."""
DEEPEST: Final = 24
"""Parts within parts."""
FILTERS: Final = frozenset({"capitalize", "default", "lower", "title", "trim", "upper"})

COMPARISONS: Final = frozenset({"eq", "ne"})

_PARTS: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Filter,
    nodes.Keyword,
)
_HALF: Final = re.compile("[\ud800-\udfff]")
_parser: Final = jinja2.Environment(autoescape=True)


class BadText(Exception):
    """A text is not in the language."""


def check(part: str, text: str) -> frozenset[str]:
    """The names of data that a text asks for; `part` is the text's name, for messages. Raises BadText."""
    if len(text) > LONGEST:
        raise BadText(f"{part} has {len(text):,} characters: {LONGEST:,} are the most")
    try:
        tree = _parser.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise BadText(f"{part}, line {error.lineno}: {error.message}") from None
    except (RecursionError, ValueError, OverflowError):
        raise BadText(f"{part} is nested too deeply, or has a number that is too long") from None
    return frozenset(_names(part, tree))


def _names(part: str, root: nodes.Node) -> set[str]:
    names, waiting = set[str](), [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        _allow(part, node, depth)
        if isinstance(node, nodes.Name):
            names.add(node.name)
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
    return names


def _allow(part: str, node: nodes.Node, depth: int) -> None:
    where = f"{part}, line {node.lineno}"
    if depth > DEEPEST:
        raise BadText(f"{where}: nested too deeply")
    if not isinstance(node, _PARTS):
        raise BadText(
            f"{where}: templates name data, choose with if, and filter; a {type(node).__name__} is none of that"
        )
    if isinstance(node, nodes.Const) and _HALF.search(str(node.value)):
        raise BadText(f"{where}: it spells half a character, which nobody can send: write the character itself")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise BadText(f"{where}: there is no filter {node.name!r}: filters are {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.Operand) and node.op not in COMPARISONS:
        raise BadText(f"{where}: data is compared by == and != alone: not all of it is always there")
