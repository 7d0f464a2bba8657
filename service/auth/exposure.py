"""Whether the service is reachable from other machines."""

from __future__ import annotations

import ipaddress

from ihas.errors import ConfigError
from ihas_service.settings import Settings

LOOPBACK_NAMES = frozenset({b"127.0.0.1", b"localhost", b"[::1]"})
SAID = "No keys are asked for: whoever is on this machine may do everything, and nobody else reaches the service. See IHAS_ACCESS."


def is_loopback(host: str) -> bool:
    """Whether an address is a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(settings: Settings) -> None:
    """Refuse to answer others without keys.

    Raises:
        ConfigError: no keys are asked for, and others than this machine could reach the service.
    """
    if settings.access == "local" and not is_loopback(settings.host):
        raise ConfigError(
            f"Without keys `host` must be a loopback address, but got {settings.host!r}. Set IHAS_ACCESS=keys and make a key with "
            "`ihas keys create`, or set IHAS_HOST=127.0.0.1."
        )
