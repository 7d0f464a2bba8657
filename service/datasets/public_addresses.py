"""Which addresses are of the open internet: of all others, some machine behind this one's firewall may be the owner."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UNICAST = ipaddress.ip_network("2000::/3")
"""All that IANA has given out of IPv6 for the open internet; what lies outside is local, translated or of no one."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")
REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments, such as dummy addresses and discovery
            "192.88.99.0/24",  # relays of 6to4
            "168.63.129.16/32",  # Azure's host, which answers every machine of its own
            "2001::/32",  # Teredo, which leads to whoever the address names
            "3fff::/20",  # documentation
        ),
    )
)
ISATAP = (0x0000_5EFE, 0x0200_5EFE)
LOW = 0xFFFF_FFFF


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, also where it carries another one in it."""
    return _is_public(ipaddress.ip_address(address.partition("%")[0]))


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return _is_given_out(address)
    if address.ipv4_mapped is not None:
        return _is_public(address.ipv4_mapped)
    if address in NAT64:
        return _is_public(ipaddress.IPv4Address(int(address) & LOW))
    given_out = address.sixtofour is not None or _is_given_out(address)  # Python 3.13 counts no 6to4 address as global, 3.11 every one
    return address in UNICAST and given_out and all(map(_is_public, _carried(address)))


def _is_given_out(address: Address) -> bool:
    refused = any(address in network for network in REFUSED if network.version == address.version)
    return address.is_global and not address.is_multicast and not refused


def _carried(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Addresses of version 4 that one of version 6 leads to."""
    if address.sixtofour is not None:
        yield address.sixtofour
    if (int(address) >> 32) & LOW in ISATAP:
        yield ipaddress.IPv4Address(int(address) & LOW)
