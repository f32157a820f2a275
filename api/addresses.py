"""Where requests come from: functions of addresses."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

HOPS: Final = 32
"""Entries of `X-Forwarded-For` that are looked at."""


def client_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address that a request comes from: the rightmost hop that is none of our own proxies.

    `peer` is who has connected. `forwarded` are the entries of `X-Forwarded-For` in their order: each proxy adds, on
    the right, who has connected to it, so that what a client writes there itself stands left of its own address. An
    entry that is no address ends the search: its proxy, the last that is known, is the client then.
    """
    client = peer
    for hop in forwarded[: -HOPS - 1 : -1]:
        if not _is_trusted(client, trusted):
            break
        address = _address(hop)
        if address is None:
            break
        client = str(address)
    return client


@lru_cache(10_000)
def place_of(address: str) -> str:
    """What counts as one place: an address, of IPv6 the network of 64 bits that one customer has."""
    ip = _address(address)
    if ip is None:
        return address
    return str(ip) if ip.version == 4 else str(ip_network((int(ip), 64), strict=False))


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    ip = _address(address)
    return ip is not None and any(ip in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; IPv4 in IPv6's clothes (::ffff:…) is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
