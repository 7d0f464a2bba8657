"""Loaded models as one tenant sees them."""

from __future__ import annotations

from ihas_service.models.registry import Registry
from ihas_service.models.traffic_split import Served, TrafficSplit


class TenantModels:
    """The registry as one tenant sees it."""

    def __init__(self, registry: Registry, tenant: str) -> None:
        self._registry, self.tenant = registry, tenant

    def split(self, name: str) -> TrafficSplit | None:
        """See `Registry.split`."""
        return self._registry.split(name, self.tenant)

    def ready(self, name: str, version: int | None = None) -> Served | None:
        """See `Registry.ready`."""
        return self._registry.ready(name, version, self.tenant)

    def get(self, name: str, version: int | None = None) -> Served:
        """See `Registry.get`."""
        return self._registry.get(name, version, self.tenant)

    def renew(self, name: str) -> TrafficSplit:
        """See `Registry.renew`."""
        return self._registry.renew(name, self.tenant)
