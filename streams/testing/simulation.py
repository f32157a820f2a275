"""One simulation: apps on the embedded broker and memory stores, a storm, then calm, then what has become of it.

Everything follows from the seed: when events come, where batches end, what the network does to each call, at which
step a worker is stopped or killed. The same seed gives the same trace.
"""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from random import Random
from typing import Final

from stores.port import Store
from streams.app import App
from streams.broker import Broker
from streams.embedded import Embedded
from streams.status import Status
from streams.testing.host import Machine, Site
from streams.testing.process import Endless, ProcessLoop
from streams.testing.remains import all_messages, all_rows
from streams.testing.replay import replayed
from streams.testing.rest import Watch, told
from streams.testing.scenario import EPOCH_MS, Outcome, Scenario, Violation
from streams.testing.storm import Client, Troubles
from streams.testing.trace import Trace
from streams.testing.verdict import Figures, judge
from streams.testing.weather import Weather
from streams.testing.wire import Network

STORM: Final = (2.0, 6.0, 15.0)
"""Seconds that a storm lasts, or longer, if the input does."""


@dataclass(frozen=True, slots=True)
class Run:
    """A simulation that is over."""

    seed: int
    violations: list[Violation]
    figures: Figures
    trace: Trace


def simulate(scenario: Scenario, seed: int) -> Run:
    """Run one simulation. It takes no time to wait: the clock jumps to whatever is next."""
    trace = Trace()
    loop = ProcessLoop(scenario.turns)
    loop.set_exception_handler(lambda loop, context: None)  # nobody asks after the tasks of a process that was killed
    with trace.takes_logs(), closing(loop):
        simulation = _Simulation(scenario, seed, trace)
        try:
            return loop.run_until_complete(simulation.run())
        except Endless as error:
            return Run(seed, [Violation("stuck", str(error))], Figures(), trace)


class _Simulation:
    def __init__(self, scenario: Scenario, seed: int, trace: Trace) -> None:
        self._scenario = scenario
        self._seed = seed
        self._trace = trace
        self._random = Random(seed)
        self._weather = Weather(self._random)
        self._network = Network(self._weather, trace)
        self._server = Embedded(scenario.topology, clock=self._now, faults=self._weather)
        self._apps: list[App] = list(scenario.apps())
        self._stores: dict[str, Store] = {
            app.id: scenario.store(app.id, _seconds, lambda: f"{self._random.getrandbits(32):08x}")
            for app in self._apps
        }
        self._inputs = list(scenario.inputs(Random(f"{seed} input")))
        self._site = Site(
            scenario.apps,
            scenario.topology,
            server=self._server,
            stores=self._stores,
            network=self._network,
            now=self._now,
            random=self._random,
        )
        self._machines = [Machine(f"w{number}", self._site) for number in range(self._random.choice((1, 1, 2, 3)))]
        self._inspector: Broker = self._server.connect("inspector")

    def _now(self) -> int:
        return EPOCH_MS + round(_seconds() * 1000)

    async def _storm(self) -> None:
        client = Client(self._scenario.topology, self._server, self._network, self._now, self._seed)
        troubles = asyncio.create_task(
            Troubles(self._scenario.topology, self._server, self._network, self._random).run()
        )
        await asyncio.gather(client.publish(self._inputs), asyncio.sleep(self._random.choice(STORM)))
        troubles.cancel()
        await asyncio.gather(troubles, return_exceptions=True)
        self._server.come_back()

    async def run(self) -> Run:
        """From the first boot to the verdict."""
        for app in self._apps:
            await self._stores[app.id].apply(app.specs())
        running = [asyncio.create_task(machine.run()) for machine in self._machines]
        await self._storm()
        self._trace.note("weather", "calms down")
        self._weather.calm = True
        self._site.calm.set()
        await asyncio.gather(*running)
        violations, figures = await self._come_to_rest(), Figures()
        if not violations:
            violations, figures = await self._verdict()
        await self._site.bury()
        await self._network.close()
        await self._server.close()
        return Run(self._seed, violations, figures, self._trace)

    # --- the calm ---

    async def _come_to_rest(self) -> list[Violation]:
        """Until everything is read and settled; all workers are stopped then. Gives why, if it does not happen."""
        watch = Watch(self._apps, self._scenario.topology, self._stores, self._inspector)
        await self._network.arrived()
        while True:
            left = await watch.comes_to_rest()
            stuck = [Violation("stuck", why) for why in (*left, *told(self._status()))] if left else []
            for machine in self._machines:
                await machine.host.stop()
            if stuck:
                return stuck
            if not await watch.undone():
                return []
            for machine in self._machines:
                machine.boot()

    def _status(self) -> list[Status]:
        return [status for machine in self._machines for status in machine.host.status()]

    # --- the verdict ---

    async def _verdict(self) -> tuple[list[Violation], Figures]:
        outcome = await self._outcome()
        found, figures = judge(outcome)
        found += self._scenario.check(outcome)
        found += await replayed(self._scenario, self._inspector, rows=outcome.rows, logs=outcome.logs, now=self._now)
        figures.faults, figures.kills, figures.stalls = self._weather.faults, self._site.kills, self._site.stalls
        return found, figures

    async def _outcome(self) -> Outcome:
        topology = self._scenario.topology
        outcome = Outcome(self._inputs, {app.id: app for app in self._apps})
        for app in self._apps:
            for name in (*app.tables, *app.collections):
                outcome.rows[app.id, name] = await all_rows(self._stores[app.id], name)
        for name in dict.fromkeys(name for log in topology.logs.values() for name in (log.name, *log.partition_names)):
            outcome.logs[name] = await all_messages(self._inspector, name)
        return outcome


def _seconds() -> float:
    return asyncio.get_running_loop().time()
