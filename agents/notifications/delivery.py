"""One notification, sent at most once: intent, effect, outcome. Every step can be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from agents.notifications import rules
from agents.notifications.carriers.port import Letter, Receipt, Result
from agents.notifications.post import post
from agents.notifications.rules import News, Step, Way
from agents.notifications.tables import Channel, Notification, Status, Template, notifications, templates
from agents.notifications.texts.builtin import FIRST, builtin
from agents.notifications.texts.filling import BadTemplate, Filled, Filling
from agents.notifications.texts.shelf import Shelf
from streams import Conflict

log = structlog.get_logger("warren.notifications")

_filling = Filling()
_shelf = Shelf(templates)
_NO_ANSWER: Final = Receipt(Result.UNKNOWN)


class NotYet(Exception):
    """A notification is not done: the retry ladder comes back to it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an event happened, when it was taken in hand, and for which time."""

    happened: datetime
    now: datetime
    attempt: int

    @property
    def last(self) -> bool:
        """Whether there is no further try."""
        return self.attempt >= rules.TRIES


async def deliver(news: News, way: Way, moment: Moment) -> Notification:
    """The notification, ended now or earlier. Raises NotYet."""
    id = rules.identity(news, way.channel)
    existing, version = await notifications.get(id)
    again = way.objection is None and post.repeatable(way.channel)
    step = rules.step(existing, moment.now, repeatable=again, answered=post.has_receipt(id))
    notification = existing or rules.opened(news, way, moment.happened)
    match step:
        case Step.TELL:
            post.file(id)
            return notification
        case Step.WAIT:
            raise NotYet(f"notification {id} is being sent by somebody, or was until a crash")
        case Step.GIVE_UP:
            return await _end(notification, version, _NO_ANSWER, moment, again=again)
        case Step.SEND:
            return await _send(notification, version, way, moment)


async def _send(notification: Notification, version: int, way: Way, moment: Moment) -> Notification:
    if not post.has_receipt(notification.id):
        if way.objection is not None:
            await notifications.put(notification.id, rules.suppressed(notification, way.objection), version)
            return notification
        letter, used = _letter(notification, way, await _shelf.current(notification.template), moment)
        rules.leased(notification, moment.now, used)
        version = await notifications.put(notification.id, notification, version)
        await post.send(way.channel, letter)
    receipt = post.receipt(notification.id)
    return await _end(notification, version, receipt, moment, again=post.repeatable(way.channel))


async def _end(
    notification: Notification, version: int, receipt: Receipt, moment: Moment, *, again: bool
) -> Notification:
    rules.ended(notification, receipt, moment.now, again=again, last=moment.last)
    try:
        await notifications.put(notification.id, notification, version)
    except Conflict:
        post.file(notification.id)
        raise
    post.file(notification.id)
    if notification.status is not Status.SENT:
        _report(notification)
    if notification.status is Status.PENDING:
        raise NotYet(f"notification {notification.id} could not be sent: {notification.reason}")
    return notification


def _report(notification: Notification) -> None:
    log.warning(
        "notification not sent",
        template=notification.template,
        channel=str(notification.type),
        to=notification.address,
        status=str(notification.status),
        reason=notification.reason,
    )


def _letter(notification: Notification, way: Way, template: Template, moment: Moment) -> tuple[Letter, int]:
    """The letter, and the version of the template that it is made with."""
    filled, used = _filled(template, notification.data)
    letter = Letter(
        id=notification.id,
        address=notification.recipient if way.channel is Channel.PUSH else way.address,
        subject=filled.subject,
        text=filled.text,
        html=filled.html,
        short=filled.short,
        at=moment.happened,
    )
    return letter, used


def _filled(template: Template, data: Mapping[str, object]) -> tuple[Filled, int]:
    """Filled, and with which version: where the shop's own cannot be, the one that comes with the service."""
    try:
        return _filling.fill(template, data), template.version
    except BadTemplate as error:
        log.error("a template cannot be filled: the one that comes with the service is used", reason=str(error))
        return _filling.fill(builtin(template.name), data), FIRST
