"""The texts that come with the service: a YAML file beside this one for each."""

from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from agents.notifications.tables import Template

NAMES: Final = (
    "welcome",
    "order_received",
    "order_paid",
    "order_shipped",
    "order_cancelled",
    "order_payment_failed",
    "order_refunded",
    "security_alert",
    "refund_stuck",
)
FIRST: Final = 1
"""The version of these."""


@cache
def builtin(name: str) -> Template:
    """Raises KeyError."""
    if name not in NAMES:
        raise KeyError(f"there is no template {name!r}: templates are {', '.join(NAMES)}")
    parts = yaml.safe_load((files("agents.notifications.texts") / f"{name}.yaml").read_text("utf-8"))
    return Template(name=name, version=FIRST, **parts)
