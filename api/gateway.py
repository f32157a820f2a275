"""How the edge meets the world: whom it trusts, and how much of each client it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.addresses import Network
from api.rates import SharedWindows
from api.service_passes import ServicePasses
from api.upstreams import Upstream


@dataclass(frozen=True, slots=True)
class Gateway:
    """Settings of the way in."""

    requests_per_minute: int = 0
    """Of one client under `/api/`; 0: any number."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks whose `X-Forwarded-For` is believed."""
    origins: tuple[str, ...] = ()
    """Whose pages may call this from browsers: scheme://host:port, or "*"."""
    shared: SharedWindows | None = None
    """What the processes of the edge count rates by together; None: each by itself."""
    replicas: int = 1
    """How many processes of the edge there are."""
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    """Prefix of paths -> the processes that serve them; what is not named is served here."""
    passes: ServicePasses | None = None
    """By what upstreams know that a request comes from here; None where they do not ask."""
    part: str | None = None
    """The part of a split edge that this process is: only what comes through its gateway is served. None: whoever
    reaches it is."""
