"""Templates of notifications, as requests and answers have them."""

from typing import Annotated

from pydantic import Field

from agents.notifications.tables import Template
from agents.notifications.texts.language import LONGEST
from api.bodies import Body

TemplateText = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class TextsBody(Body):
    """The texts of a template: `subject`, `text` and `html` are a mail's, `short` is for SMS and push messages."""

    subject: TemplateText
    text: TemplateText
    html: TemplateText
    short: TemplateText

    def template(self, name: str, version: int) -> Template:
        """Them as a template."""
        return Template(name, version, self.subject, self.text, self.html, self.short)


class TemplateBody(TextsBody):
    """A template, and the fields that its texts may ask for."""

    name: str
    version: int
    fields: list[str]


class PreviewBody(Body):
    """What to show: these texts, or those in use; filled with this data where the sample's is not wanted."""

    texts: TextsBody | None = None
    data: dict[str, Annotated[str, Field(max_length=1_000)] | None] = Field(default_factory=dict, max_length=20)


class FilledBody(Body):
    """Texts as they would go out."""

    subject: str
    text: str
    html: str
    short: str
