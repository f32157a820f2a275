"""The shelf: every version of every template, the one in use first."""

from contextlib import suppress

from agents.notifications.tables import Template
from agents.notifications.texts.builtin import FIRST, builtin
from streams import Conflict
from streams.documents import Documents


class Stale(Exception):
    """Somebody has changed the template in the meantime: read it again."""


class Shelf:
    """The templates of a shop. What is not changed is as it comes with the service; versions never change."""

    def __init__(self, templates: Documents[Template]) -> None:
        self._templates = templates

    async def current(self, name: str) -> Template:
        """The template in use. Raises KeyError where there is none of that name."""
        own, _ = await self._templates.get(name)
        return own or builtin(name)

    async def version(self, name: str, number: int) -> Template:
        """A version. Raises KeyError where there is none."""
        # The one in use first: an older one is kept before a newer one takes its place, and is then always found.
        used = await self.current(name)
        if used.version == number:
            return used
        if number == FIRST:
            return builtin(name)
        older, _ = await self._templates.get(_kept_as(name, number))
        if older is None:
            raise KeyError(f"template {name!r} has no version {number}: the one in use is {used.version}")
        return older

    async def put(self, new: Template, *, at: int | None = None) -> Template:
        """Use these texts from now on, under the next number, which is returned with them; texts that are those in use
        already change nothing. Raises KeyError, and Stale where `at` is not the version in use, or not any more."""
        own, document = await self._templates.get(new.name)
        used = own or builtin(new.name)
        if at is not None and at != used.version:
            raise Stale(f"template {new.name!r} is at version {used.version}, not {at}: read it again")
        if _texts(used) == _texts(new):
            return used
        if own is not None:
            await self._keep(own)
        changed = Template(new.name, used.version + 1, *_texts(new))
        try:
            await self._templates.put(new.name, changed, document)
        except Conflict as conflict:
            raise Stale(f"template {new.name!r} is being changed by somebody else: read it again") from conflict
        return changed

    async def _keep(self, own: Template) -> None:
        with suppress(Conflict):  # it is there already, with the same texts
            await self._templates.put(_kept_as(own.name, own.version), own, 0)


def _kept_as(name: str, number: int) -> str:
    return f"{name}@{number}"


def _texts(template: Template) -> tuple[str, str, str, str]:
    return template.subject, template.text, template.html, template.short
