"""Templates of notifications, for administrators: look at them, change them, try them."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Response

from agents.notifications.tables import Template, templates
from agents.notifications.texts.builtin import NAMES
from agents.notifications.texts.filling import BadTemplate, Filled, Filling
from agents.notifications.texts.proof import proofread
from agents.notifications.texts.samples import SAMPLES
from agents.notifications.texts.shelf import Shelf, Stale
from api.bodies import Page
from api.caller import allowed
from api.dependencies import GivenEdge
from api.media import require_json
from api.openapi import problems, problems_of_body
from api.problems import Problem
from api.template_bodies import FilledBody, PreviewBody, TemplateBody, TextsBody
from topology.spec import nearest

router = APIRouter(
    prefix="/api/templates",
    tags=["notifications"],
    dependencies=[allowed("templates:admin")],
    responses=problems(401, 403, 503),
)

IfMatch = Annotated[str | None, Header(description="`ETag` of the template as it was read: else 412.")]

_JSON = [Depends(require_json)]
_ETAG = {"headers": {"ETag": {"schema": {"type": "string"}, "description": "For `If-Match`."}}}
_VERSION = re.compile(r'"(\d{1,9})"')
_filling: Final = Filling()


def _shelf(edge: GivenEdge) -> Shelf:
    edge.store("notifications")
    return Shelf(edge.views.documents("notifications", templates))


GivenShelf = Annotated[Shelf, Depends(_shelf)]


@router.get("")
async def list_templates(shelf: GivenShelf) -> Page[TemplateBody]:
    """Those in use, all on one page."""
    return Page(items=[_body(await shelf.current(name)) for name in NAMES])


@router.get("/{name}", responses={200: _ETAG, **problems(404, 422)})
async def get_template(
    name: str,
    shelf: GivenShelf,
    response: Response,
    version: Annotated[int | None, Query(ge=1, description="That one, else the one in use.")] = None,
) -> TemplateBody:
    """A template."""
    _check_name(name)
    try:
        found = await (shelf.current(name) if version is None else shelf.version(name, version))
    except KeyError as error:
        raise Problem(404, "template_not_found", str(error.args[0])) from None
    return _answer(found, response)


@router.put("/{name}", responses={200: _ETAG, **problems_of_body(404, 412)}, dependencies=_JSON)
async def put_template(
    name: str, body: TextsBody, shelf: GivenShelf, response: Response, if_match: IfMatch = None
) -> TemplateBody:
    """Use these texts from now on, as the next version. Refused unless they can be filled with whatever may come."""
    _check_name(name)
    new = body.template(name, 0)
    try:
        proofread(new, _filling)
        return _answer(await shelf.put(new, at=_version(if_match)), response)
    except BadTemplate as error:
        raise _invalid(new, error) from None
    except Stale as error:
        raise Problem(412, "stale", str(error)) from None


@router.post("/{name}/preview", responses=problems_of_body(404), dependencies=_JSON)
async def preview_template(name: str, body: PreviewBody, shelf: GivenShelf) -> FilledBody:
    """Texts as they would go out; nothing is kept, and nothing sent."""
    _check_name(name)
    unknown = body.data.keys() - SAMPLES[name].keys()
    if unknown:
        detail = f"{name} has no field {min(unknown)[:100]!r}: fields are {', '.join(SAMPLES[name])}"
        raise Problem(422, "invalid_template", detail)
    shown = body.texts.template(name, 0) if body.texts else await shelf.current(name)
    return FilledBody.model_validate(_fill(shown, {**SAMPLES[name], **body.data}))


def _fill(template: Template, data: Mapping[str, str | None]) -> Filled:
    try:
        return _filling.fill(template, data)
    except BadTemplate as error:
        raise _invalid(template, error) from None


def _invalid(template: Template, error: BadTemplate) -> Problem:
    detail = f"{error.__cause__ or error}; fields of {template.name} are {', '.join(SAMPLES[template.name])}"
    return Problem(422, "invalid_template", detail)


def _check_name(name: str) -> None:
    if name not in NAMES:
        hint = nearest(name, NAMES)
        raise Problem(404, "template_not_found", f"there is no template {name[:100]!r}{hint}; see /api/templates")


def _answer(template: Template, response: Response) -> TemplateBody:
    response.headers["ETag"] = f'"{template.version}"'
    return _body(template)


def _body(template: Template) -> TemplateBody:
    return TemplateBody(
        name=template.name,
        version=template.version,
        fields=list(SAMPLES[template.name]),
        subject=template.subject,
        text=template.text,
        html=template.html,
        short=template.short,
    )


def _version(if_match: str | None) -> int | None:
    """The version that the client has read; None where any will do. Raises Problem (412) for what was never an ETag."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise Problem(412, "stale", f"If-Match {if_match[:100]!r} is none of our ETags: read the template again")
    return int(found[1])
