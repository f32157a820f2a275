"""What a running agent tells of itself."""

from dataclasses import dataclass, field
from typing import Literal

State = Literal["starting", "waiting", "running", "paused", "halted", "stopped"]


@dataclass(slots=True)
class Status:
    """One agent on one partition or set of queues: its state, why, and its counts since it started."""

    service: str
    agent: str
    partition: int
    source: str
    owner: str = ""
    """The worker that has the partition; "" while it is free, and for queues, which workers share."""
    state: State = "starting"
    reason: str = ""
    """Why it is paused or halted, and what to do."""
    handled: int = 0
    """Events handled: for log agents committed, for queue agents acknowledged."""
    repeats: int = 0
    """Events recognised as read before."""
    dead: int = 0
    """Events given to the dead letters."""
    retried: int = 0
    """Events given to the retry ladder."""
    sent: int = 0
    """Messages sent and confirmed."""
    commits: int = 0
    position: int = -1
    """Offset of the last event committed."""
    log_time: int = 0
    """When the log took it, in ms since 1970."""
    rows: int = 0
    """Rows of tables in memory."""
    ids: int = 0
    """Message ids in memory."""
    numbers: int = 0
    """Sequence numbers of lanes in memory."""
    takeovers: int = 0
    troubles: dict[str, str] = field(default_factory=dict)
    """What goes wrong now without stopping the agent, by part: `publishing`."""

    def taken(self, owner: str, position: int) -> None:
        """This worker has the partition, and goes on after `position`."""
        self.owner, self.position = owner, position
        self.takeovers += 1

    def waiting(self, owner: str) -> None:
        """Another worker has the partition, or it is free and not of this worker's share."""
        self.owner, self.state = owner, "waiting"
        self.reason = f"worker {owner} has this partition" if owner else "this partition is free"

    def stopped(self) -> None:
        """The worker has ended."""
        self.owner, self.state, self.reason = "", "stopped", ""

    def running(self) -> None:
        """All is well."""
        self.state, self.reason = "running", ""

    def paused(self, reason: str) -> None:
        """It waits and tries again by itself."""
        self.state, self.reason = "paused", reason

    def halted(self, reason: str) -> None:
        """It waits for somebody."""
        self.state, self.reason = "halted", reason

    def trouble(self, part: str, reason: str) -> None:
        """Note a trouble, or with "" its end."""
        if reason:
            self.troubles[part] = reason
        else:
            self.troubles.pop(part, None)
