"""Reading a template's proofs, before it is used: it has to fit whatever may come."""

from agents.notifications.tables import Template
from agents.notifications.texts.filling import PARTS, BadTemplate, Filling
from agents.notifications.texts.language import BadText, check
from agents.notifications.texts.samples import SAMPLES, occasions


def proofread(template: Template, filling: Filling) -> None:
    """Raises BadTemplate where it cannot be filled with all that may come, or names what never comes; KeyError where
    there is no template of that name."""
    fields = SAMPLES[template.name].keys()
    for part in PARTS:
        unknown = _names(template, part) - fields
        if unknown:
            raise BadTemplate(f"{part} names {min(unknown)!r}, which never comes")
    for data in occasions(template.name):
        filling.fill(template, data)


def _names(template: Template, part: str) -> frozenset[str]:
    try:
        return check(part, getattr(template, part))
    except BadText as error:
        raise BadTemplate(str(error)) from error
