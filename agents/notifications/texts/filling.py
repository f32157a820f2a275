"""Filling templates. Data is escaped in HTML; a template sees its data alone, reaches nothing else, and always ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agents.notifications.tables import Template
from agents.notifications.texts.language import BadText, check

MOST: Final = 100
"""Compiled templates that are kept."""


PARTS: Final = ("subject", "text", "html", "short")
"""The texts of a template, by the names of its fields."""
Texts = tuple[str, str, str, str]


class BadTemplate(Exception):
    """A template is not in the templates' language, or asks for what its data has not."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The texts of one notification."""

    subject: str
    text: str
    html: str
    short: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: jinja2.Template
    text: jinja2.Template
    html: jinja2.Template
    short: jinja2.Template


class Filling:
    """Fills templates, each compiled when it is first used."""

    def __init__(self) -> None:
        self._plain = _environment(autoescape=False)
        self._html = _environment(autoescape=True)
        self._compiled: dict[Texts, _Compiled] = {}

    def fill(self, template: Template, data: Mapping[str, Any]) -> Filled:
        """Raises BadTemplate, also where the template asks for what the data has not."""
        try:
            compiled = self._compile(template)
            return Filled(
                compiled.subject.render(data),
                compiled.text.render(data),
                compiled.html.render(data),
                compiled.short.render(data),
            )
        except (BadText, jinja2.TemplateError, TypeError, ValueError) as error:
            raise BadTemplate(f"template {template.name} version {template.version}: {error}") from error

    def _compile(self, template: Template) -> _Compiled:
        texts = (template.subject, template.text, template.html, template.short)
        found = self._compiled.get(texts)
        if found is None:
            for name, text in zip(PARTS, texts, strict=True):
                check(name, text)
            plain = self._plain.from_string
            html = self._html.from_string(template.html)
            found = _Compiled(plain(template.subject), plain(template.text), html, plain(template.short))
            if len(self._compiled) >= MOST:
                self._compiled.clear()
            self._compiled[texts] = found
        return found


def _environment(*, autoescape: bool) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=autoescape, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.globals.clear()
    return environment
