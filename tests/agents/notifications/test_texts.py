"""Templates: all there, escaped, in a small language and a sandbox, compiled once."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import jinja2
import pytest

from agents.auth.events import Profile, UserCreated, UserTokenReuseDetected
from agents.notifications import rules
from agents.notifications.masking import masked
from agents.notifications.tables import Template
from agents.notifications.texts.builtin import NAMES, builtin
from agents.notifications.texts.filling import BadTemplate, Filling
from agents.notifications.texts.language import LONGEST
from agents.notifications.texts.samples import SAMPLES, occasions
from agents.orders.events import Address, OrderCancelled, OrderCreated, OrderPaid, OrderPaymentFailed, OrderShipped
from agents.payments.events import PaymentRefunded, PaymentRefundStuck

ORDER, USER, TEN = UUID(int=1), UUID(int=99), Decimal("10.00")
DATA: dict[str, Any] = {"firstName": "Hazel & Co", "total": "10.00", "carrier": None}
TOLD: list[rules.Told] = [
    UserCreated(USER, "hazel@example.org", Profile(), []),
    OrderCreated(ORDER, USER, [], TEN, "EUR", Address("Hazel", "1 Burrow", "Downs", "W1", "GB")),
    OrderPaid(ORDER, USER, TEN, "EUR"),
    OrderShipped(ORDER, USER, TEN, "EUR"),
    OrderCancelled(ORDER, USER, TEN, "EUR"),
    OrderPaymentFailed(ORDER, USER, TEN, "EUR", "declined"),
    PaymentRefunded(UUID(int=5), ORDER, USER, TEN, "EUR", UUID(int=6)),
    UserTokenReuseDetected(USER, UUID(int=7), "192.0.2.1"),
    PaymentRefundStuck(UUID(int=5), ORDER, USER, TEN, "EUR", UUID(int=6), "unavailable"),
]


def own(text: str) -> Template:
    return Template("own", 2, "subject", text, "html", "short")


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_filled_with_whatever_may_come(name: str) -> None:
    for data in occasions(name):
        filled = Filling().fill(builtin(name), data)
        assert all((filled.subject, filled.text, filled.html, filled.short))
        assert "None" not in f"{filled}"


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_samples_have_the_fields_that_the_rules_fill(event: rules.Told) -> None:
    news = rules.news(event)
    assert news.data.keys() == SAMPLES[news.template].keys()
    least = occasions(news.template)[1]
    assert {field for field, value in news.data.items() if value is None} <= {f for f, v in least.items() if v is None}


def test_every_template_has_an_event_that_it_tells_of() -> None:
    assert [rules.news(event).template for event in TOLD] == list(NAMES)


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
        r"{{ 'half a character: \ud800' }}",
        "{{ data.update({}) }}",
        "{% include '/etc/passwd' %}",
        "{{ 1 / 0 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ total | attr('__class__') }}",
        "{{ total.__class__.__base__.__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ lipsum }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ total | safe }}",
        "{{ 2 > 'a' }}",
        "{{ data['x'] }}",
        "{% for n in range(1000000) %}{% endfor %}",
        "{% for c in total %}{% endfor %}",
        "{% set total = 1 %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% autoescape false %}{{ total }}{% endautoescape %}",
        "{% extends total %}",
        "{% import total as t %}",
        pytest.param("{{ " + "(" * 5_000 + ")" * 5_000 + " }}", id="parentheses"),
        pytest.param("{% if total %}" * 30 + "{% endif %}" * 30, id="choices within choices"),
        pytest.param("{{ " + "9" * 5_000 + " }}", id="a long number"),
        pytest.param("a" * (LONGEST + 1), id="a long text"),
    ],
)
def test_what_cannot_be_filled_or_must_not_be_is_an_error(text: str) -> None:
    with pytest.raises(BadTemplate, match="template own version 2"):
        Filling().fill(own(text), {**DATA, "data": {}})


def test_what_users_write_is_data_and_never_a_template() -> None:
    filled = Filling().fill(builtin("welcome"), {"firstName": "{{ 7 * 7 }}{% include 'x' %}<script>"})
    assert filled.subject == "Welcome, {{ 7 * 7 }}{% include 'x' %}<script>"
    assert "{{ 7 * 7 }}{% include &#39;x&#39; %}&lt;script&gt;" in filled.html


def test_the_language_has_names_choices_and_filters() -> None:
    with pytest.raises(BadTemplate, match="a Test is none of that"):
        Filling().fill(own("{% if carrier is none %}{% endif %}"), DATA)
    text = "{% if not carrier and total == '10.00' %}{{ 'from ' ~ firstName | upper }}{% elif total %}2{% endif %}"
    text += "{{ carrier | default('nobody', true) }}{{ 'a' if carrier else 'b' }}"
    assert Filling().fill(own(text), DATA).text == "from HAZEL & COnobodyb"


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
