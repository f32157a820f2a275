"""A worker in a process of its own, to be stopped, killed and put to sleep: `… AMQP STREAM POSTGRES SCHEMA LEASE`."""

import asyncio
import signal
import sys
from random import SystemRandom

from stores.postgres import PostgresStore
from streams import App, Worker
from streams.rabbitmq import RabbitMQ
from tests.streams.engine.stage import counting
from tests.streams.engine.test_partitions import parted
from tests.streams.live.test_live import now


async def main(amqp: str, stream: str, postgres: str, schema: str, lease: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = App("counter")
    counting(app)
    store, broker = PostgresStore(postgres, schema, lease=float(lease)), RabbitMQ(amqp, stream)
    await store.open()
    worker = Worker(
        [app],
        broker=broker,
        stores={"counter": store},
        topology=parted(),
        now=now,
        ids=SystemRandom(),
        lease=float(lease),
    )
    await worker.start()
    sys.stdout.write(f"{worker.id}\n")
    sys.stdout.flush()
    await stop.wait()
    await worker.stop()
    await broker.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
