"""The engine: agents, tables, and the brokers they run on."""

from streams.app import App
from streams.errors import Conflict, NotLoaded, SendRefused, StreamsError
from streams.event import Event
from streams.publisher import Publisher
from streams.record import Record
from streams.setting import Setting
from streams.stream import Stream
from streams.table import Table, WindowedTable
from streams.topic import Topic
from streams.views import View, Views
from streams.worker import Worker

__all__ = [
    "App",
    "Conflict",
    "Event",
    "NotLoaded",
    "Publisher",
    "Record",
    "SendRefused",
    "Setting",
    "Stream",
    "StreamsError",
    "Table",
    "Topic",
    "View",
    "Views",
    "WindowedTable",
    "Worker",
]
