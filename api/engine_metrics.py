"""Metrics of the agents in this process and of its broker, read when they are asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.broker import Health
from streams.status import State, Status

LABELS: Final = ("service", "agent", "partition")
BROKER_STATES: Final = ("idle", "connected", "blocked", "down")


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    help: str
    of: Callable[[Status], float]


_COUNTERS = (
    _Measure("handled", "Events handled.", lambda s: s.handled),
    _Measure("repeats", "Events recognised as read before.", lambda s: s.repeats),
    _Measure("dead", "Events given to the dead letters.", lambda s: s.dead),
    _Measure("retried", "Events given to the retry ladder.", lambda s: s.retried),
    _Measure("sent", "Messages sent and confirmed.", lambda s: s.sent),
    _Measure("commits", "Commits of batches.", lambda s: s.commits),
    _Measure("takeovers", "Times that the partition was taken over.", lambda s: s.takeovers),
)
_GAUGES = (
    _Measure("rows", "Rows of tables in memory.", lambda s: s.rows),
    _Measure("ids", "Message ids in memory.", lambda s: s.ids),
    _Measure("lane_numbers", "Sequence numbers of lanes in memory.", lambda s: s.numbers),
    _Measure("position", "Offset of the last event committed; -1 before the first.", lambda s: s.position),
    _Measure("log_time_seconds", "When the log took that event, since 1970.", lambda s: s.log_time / 1000),
    _Measure("troubles", "What goes wrong now without stopping the agent.", lambda s: len(s.troubles)),
)


class EngineCollector(Collector):
    """See the module's text."""

    def __init__(self, status: Callable[[], list[Status]], health: Callable[[], Health]) -> None:
        self._status = status
        self._health = health

    def collect(self) -> Iterator[Metric]:
        statuses = self._status()
        for counter in _COUNTERS:
            yield _filled(CounterMetricFamily(_name(counter), counter.help, labels=LABELS), counter, statuses)
        for gauge in _GAUGES:
            yield _filled(GaugeMetricFamily(_name(gauge), gauge.help, labels=LABELS), gauge, statuses)
        yield _states(statuses)
        yield _broker(self._health())


def _name(measure: _Measure) -> str:
    return f"warren_agent_{measure.name}"


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, measure: _Measure, statuses: Iterable[Status]
) -> CounterMetricFamily | GaugeMetricFamily:
    for status in statuses:
        family.add_metric(_labels(status), measure.of(status))
    return family


def _states(statuses: Iterable[Status]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("warren_agent_state", "1 for the agent's state.", labels=[*LABELS, "state"])
    for status in statuses:
        for state in get_args(State):
            family.add_metric([*_labels(status), state], status.state == state)
    return family


def _broker(health: Health) -> GaugeMetricFamily:
    family = GaugeMetricFamily("warren_broker_state", "1 for the state of the connections.", labels=["state"])
    for state in BROKER_STATES:
        family.add_metric([state], health.state == state)
    return family


def _labels(status: Status) -> list[str]:
    return [status.service, status.agent, str(status.partition)]
