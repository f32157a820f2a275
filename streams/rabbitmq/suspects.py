"""Which exchanges and routing keys the broker has closed a channel for."""

import re
from collections.abc import Collection

from streams.broker import Outcome

Target = tuple[str, str]
"""An exchange and a routing key."""
Suspect = tuple[str, str | None]
"""The same, or None for all routing keys."""

_TOO_LARGE = re.compile(r"larger than (?:configured )?max size (\d+)")

_DEFAULT_EXCHANGE = "amq.default"
_NOT_FOUND = 404


class Suspects:
    """RabbitMQ closes a channel for a message to an exchange that does not exist or may not be written to, and does not
    say which message it was. What its reason names is suspect, and sent alone until it has been accepted once."""

    def __init__(self) -> None:
        self._reasons: dict[Suspect, str] = {}
        self.most: int | None = None
        """The largest body, if the broker has told it."""

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def accuse(self, reason: str, targets: Collection[Target]) -> None:
        """Suspect what a reason names; if it names nothing, any of these targets of unanswered messages."""
        too_large = _TOO_LARGE.search(reason)
        if too_large:
            self.most = int(too_large[1])
            return
        named = {suspect for target in targets if (suspect := _named(reason, target))}
        self._reasons |= dict.fromkeys(named or targets, reason)

    def named(self, target: Target) -> Suspect | None:
        """As what this target is suspect: it, or its whole exchange. None if it is not."""
        if target in self._reasons:
            return target
        whole = (target[0], None)
        return whole if whole in self._reasons else None

    def acquit(self, suspect: Suspect) -> None:
        """It was accepted."""
        self._reasons.pop(suspect, None)

    def problems(self) -> list[str]:
        return [
            f"the broker does not take messages for {_shown(*suspect)} ({reason}): {_mend(reason)}"
            for suspect, reason in self._reasons.items()
        ]


def _named(reason: str, target: Target) -> Suspect | None:
    """As what a reason names a target: "… topic 'order.paid' in exchange 'order.events' in vhost …"."""
    exchange, key = target
    if f"exchange '{exchange or _DEFAULT_EXCHANGE}'" not in reason:
        return None
    if "topic '" not in reason:
        return exchange, None
    return target if f"topic '{key}'" in reason else None


def _shown(exchange: str, key: str | None) -> str:
    return f"the exchange {exchange!r}" + ("" if key is None else f" with the routing key {key!r}")


def _mend(reason: str) -> str:
    if reason.startswith("NOT_FOUND"):
        return "run `warren topology apply`"
    return "grant the user the permission, or send it elsewhere"


def verdict(code: int) -> Outcome:
    """What has become of a message that was alone on its channel when the broker closed it."""
    return Outcome.UNROUTABLE if code == _NOT_FOUND else Outcome.REFUSED
