"""Reading topology files: every fault of every file at once, or a topology that is whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from topology.check import check
from topology.document import Page
from topology.errors import InvalidTopology
from topology.faults import Fault
from topology.parse import Declared, parse
from topology.spec import SHARED, Topology


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the topology as far as it goes, and the faults in the order of the files."""

    topology: Topology
    faults: tuple[Fault, ...]

    @property
    def errors(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.severity == "error")

    @property
    def warnings(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.severity == "warning")


def load(*sources: Traversable) -> Topology:
    """The topology that YAML files, and folders of them, declare together; paths are `pathlib.Path`s or package data.

    The service `shared` (`topology/shared.yaml`) is added unless one of the files declares it. Warnings are left out.
    Raises InvalidTopology with all faults.
    """
    reading = read(*sources)
    if reading.errors:
        raise InvalidTopology(reading.faults)
    return reading.topology


def load_shop() -> Topology:
    """The topology of the shop, as it comes with this package."""
    return load(shop())


def shop() -> Traversable:
    """The folder of the shop's topology files."""
    return files("topology") / "shop"


def read(*sources: Traversable) -> Reading:
    """Like `load`, without raising: for tools that show faults and warnings."""
    pages: list[Page] = []
    declared: list[Declared] = []
    for source in sources:
        for file in _files(source, pages):
            declared += _parse(file, pages)
    complete = len(declared) == len(pages)
    if not any(one.service.name == SHARED for one in declared):
        declared += _parse(files("topology") / "shared.yaml", pages)
    check(declared, complete=complete)
    services = sorted((one.service for one in declared), key=lambda service: service.name)
    return Reading(Topology(tuple(services)), _in_order(pages))


def _files(source: Traversable, pages: list[Page]) -> Iterator[Traversable]:
    if not source.is_dir():
        yield source
        return
    found = [file for file in source.iterdir() if file.name.endswith((".yaml", ".yml"))]
    if not found:
        page = Page(str(source))
        page.fault(page.place(), "the folder holds no topology file (*.yaml)")
        pages.append(page)
    yield from sorted(found, key=lambda file: file.name)


def _parse(file: Traversable, pages: list[Page]) -> list[Declared]:
    page = Page(str(file))
    pages.append(page)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        page.fault(page.place(), f"the file cannot be read: {error.strerror or error}")
        return []
    except UnicodeDecodeError as error:
        page.fault(page.place(), f"the file is not UTF-8: {error.reason} at byte {error.start}")
        return []
    declared = parse(text, page)
    return [declared] if declared else []


def _in_order(pages: Sequence[Page]) -> tuple[Fault, ...]:
    return tuple(fault for page in pages for fault in sorted(page.faults))
