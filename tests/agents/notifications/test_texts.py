"""Templates: all there, escaped, in a sandbox, compiled once."""

from typing import Any
from uuid import UUID

import jinja2
import pytest

from agents.notifications.masking import masked
from agents.notifications.tables import Template
from agents.notifications.texts.builtin import NAMES, builtin
from agents.notifications.texts.filling import BadTemplate, Filling

DATA: dict[str, Any] = {
    "orderId": str(UUID(int=1)),
    "total": "10.00",
    "amount": "5.00",
    "currency": "EUR",
    "reason": "<b>no</b>",
    "carrier": None,
    "tracking": None,
    "firstName": "Hazel & Co",
    "ip": "192.0.2.1",
}


def own(text: str) -> Template:
    return Template("own", 2, "subject", text, "html", "short")


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_filled(name: str) -> None:
    filled = Filling().fill(builtin(name), DATA)
    assert all((filled.subject, filled.text, filled.html, filled.short))
    assert "None" not in f"{filled}"


def test_data_is_escaped_in_html_and_nowhere_else() -> None:
    welcome = Filling().fill(builtin("welcome"), DATA)
    assert "Hazel & Co" in welcome.text
    assert "Hazel &amp; Co" in welcome.html


def test_a_template_that_there_is_not_is_named() -> None:
    with pytest.raises(KeyError, match="there is no template 'wlcome'"):
        builtin("wlcome")


@pytest.mark.parametrize(
    "text",
    [
        "{{ nobody }}",
        "{{ total",
        "{{ ''.__class__.__mro__ }}",
        "{{ data.update({}) }}",
        "{% include '/etc/passwd' %}",
        "{{ 1 / 0 }}",
        "{% for n in range(1000000) %}{% endfor %}",
    ],
)
def test_what_cannot_be_filled_or_must_not_be_is_an_error(text: str) -> None:
    with pytest.raises(BadTemplate, match="template own version 2"):
        Filling().fill(own(text), {**DATA, "data": {}})


def test_a_template_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    filling, compiled = Filling(), 0
    from_string = jinja2.Environment.from_string

    def counted(self: jinja2.Environment, *arguments: Any, **options: Any) -> jinja2.Template:
        nonlocal compiled
        compiled += 1
        return from_string(self, *arguments, **options)

    monkeypatch.setattr(jinja2.Environment, "from_string", counted)
    for _ in range(10):
        filling.fill(own("{{ total }}"), DATA)
    assert compiled == 4


@pytest.mark.parametrize(
    ("address", "shown"),
    [("hazel@example.org", "h***@example.org"), ("+31 6 12345689", "***89"), ("device-4711", "***"), ("@", "***@")],
)
def test_addresses_are_masked(address: str, shown: str) -> None:
    assert masked(address) == shown
