"""Traffic split: the champion serves a model's requests, a canary a share of them, shadows answer copies."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ihas.serving.protocol import Recommender
from service.storage.catalogue import ModelVersion
from service.storage.traffic import NO_PLAN, TrafficPlan

BUCKETS = 10_000
"""Sticky keys fall into this many buckets; a canary of p percent has the first p * 100, so that a larger share keeps whom it had."""


@dataclass(frozen=True, slots=True)
class Served:
    """A verified model.

    Attributes:
        version: which bundle it is.
        recommender: answers; safe to call from several threads.
    """

    version: ModelVersion
    recommender: Recommender

    @property
    def degraded(self) -> Mapping[int, str]:
        """Groups whose own model failed its check, which the shared model serves, each with the reason."""
        return self.recommender.degraded


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """Traffic split of one model; a frozen value, so that a change is one assignment and no request sees half of it.

    Attributes:
        champion: serves requests outside the canary's share.
        canary: serves a share; None if there is none, or it cannot be loaded.
        shadows: answer copies of requests; their answers are compared, not sent.
        plan: the requested split.
    """

    champion: Served
    canary: Served | None = None
    shadows: tuple[Served, ...] = ()
    plan: TrafficPlan = NO_PLAN

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the versions that answer, or answer copies."""
        return frozenset(one.version.version for one in (self.champion, self.canary, *self.shadows) if one is not None)

    def choose(self, sticky: str | None, stated: Mapping[str, Any] | None = None) -> Served:
        """The version for a sticky key; by chance where there is none. A canary of some groups answers no request of another one.

        bucket = BLAKE2b(tenant/name/key) mod BUCKETS;  canary where bucket < 100 * percent
        """
        if self.canary is None or self.plan.canary is None or not self._among(self.plan.canary.groups, stated):
            return self.champion
        cut = self.plan.canary.percent * BUCKETS / 100.0
        found = random.random() * BUCKETS if sticky is None else self._bucket(sticky)
        return self.canary if found < cut else self.champion

    def shadows_for(self, stated: Mapping[str, Any]) -> tuple[Served, ...]:
        """Shadow versions of a request."""
        return self.shadows if not self.shadows or self._among(self.plan.shadow_groups, stated) else ()

    def _among(self, groups: tuple[int, ...], stated: Mapping[str, Any] | None) -> bool:
        """Whether the champion routes a request to one of the groups; true if no group is named."""
        if not groups:
            return True
        routed = self.champion.recommender.groups
        return routed is not None and routed.group_of(stated or {}) in groups

    def sticky_key(self, header: str | None, stated: Mapping[str, Any]) -> str | None:
        """Key by which a person stays with champion or canary: the header, or the value of the plan's field."""
        if header is not None or self.plan.sticky_field is None:
            return header
        value = stated.get(self.plan.sticky_field)
        return None if value is None else str(value)

    def _bucket(self, sticky: str) -> int:
        version = self.champion.version
        salted = f"{version.tenant}/{version.name}/{sticky}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(salted, digest_size=8).digest()) % BUCKETS
