"""Traffic split: the champion serves a model's requests, a canary a share of them, shadows answer copies."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ihas.serving.protocol import Recommender
from ihas_service.storage.bucket_shares import BUCKETS, Shares, allocate, buckets_of, owners
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.traffic import NO_PLAN, Exploration, TrafficPlan


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
        champion: serves requests outside the other versions' shares.
        canaries: serve a share each; those that cannot be loaded are missing, and the champion serves their share.
        shadows: answer copies of requests; their answers are compared, not sent.
        plan: the requested split.
        shares: buckets of each version; those of the plan alone where it has none.
        challenger: its recommendations are interleaved with the champion's; None if there is none, or it cannot be loaded.
        trial: comparison in which its answers count; 0 for none.
        exploration: the plan's, where any order is drawn.
    """

    champion: Served
    canaries: tuple[Served, ...] = ()
    shadows: tuple[Served, ...] = ()
    plan: TrafficPlan = NO_PLAN
    shares: Shares = field(default_factory=dict)
    challenger: Served | None = None
    trial: int = 0
    exploration: Exploration | None = field(init=False, repr=False)
    _owners: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "exploration", self.plan.explore if self.plan.explores else None)
        wanted = {version: buckets_of(percent) for version, percent in self.plan.shares.items()}
        object.__setattr__(self, "_owners", owners(self.shares or allocate({}, wanted), tuple(wanted)))

    @property
    def others(self) -> tuple[Served, ...]:
        """Versions beside the champion that answer, or answer copies."""
        return (*self.canaries, *self.shadows, *(() if self.challenger is None else (self.challenger,)))

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the versions that answer, or answer copies."""
        return frozenset(one.version.version for one in (self.champion, *self.others))

    def choose(self, sticky: str | None, stated: Mapping[str, Any] | None = None) -> Served:
        """The version for a sticky key; by chance where there is none. A canary of some groups answers no request of another one.

        bucket = BLAKE2b(tenant/name/key) mod BUCKETS;  the version that has the bucket, else the champion
        """
        if not self.canaries:
            return self.champion
        place = self._owners[random.randrange(BUCKETS) if sticky is None else self._bucket(sticky)]
        if not 0 < place <= len(self.plan.canaries):
            return self.champion
        planned = self.plan.canaries[place - 1]
        found = next((one for one in self.canaries if one.version.version == planned.version), None)
        return found if found is not None and self._among(planned.groups, stated) else self.champion

    def interleaved(self, sticky: str | None) -> Served | None:
        """The version that a request's list is interleaved with, of a request that `choose` left to the champion; None for none.

        Without a key, chance divides what the canaries left: percent / (100 - percent of all canaries).
        """
        planned = self.plan.interleave
        if self.challenger is None or planned is None:
            return None
        if sticky is not None:
            return self.challenger if self._owners[self._bucket(sticky)] == len(self.plan.canaries) + 1 else None
        left = BUCKETS - sum(map(self._owners.count, range(1, len(self.plan.canaries) + 1)))
        return self.challenger if random.random() * left < self._owners.count(len(self.plan.canaries) + 1) else None

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
        """Key by which a person stays with one version: the header, or the value of the plan's field."""
        if header is not None or self.plan.sticky_field is None:
            return header
        value = stated.get(self.plan.sticky_field)
        return None if value is None else str(value)

    def _bucket(self, sticky: str) -> int:
        version = self.champion.version
        salted = f"{version.tenant}/{version.name}/{sticky}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(salted, digest_size=8).digest()) % BUCKETS
