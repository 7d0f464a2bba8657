"""Requests and responses about promotion."""

from __future__ import annotations

from typing import Self

from ihas.config.base import Config
from ihas.results.gates import Gate, GateBounds
from ihas_service.http.schemas.searches import Moment, moment
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.promotion import Promotion
from ihas_service.storage.promotion_settings import AutoPromote


class PromotionPublic(Config):
    """Which new versions of a model go live without a person."""

    auto_promote: AutoPromote
    """`first`: the first version, and no later one; `passing`: every version that meets the gates; `never`: none."""
    by_default: bool
    """Whether that is the service's default (IHAS_AUTO_PROMOTE), and no setting of the model."""
    gates: GateBounds
    """Bounds of the gates."""
    revision: int
    """Number of changes, 0 for none; the `ETag` of the answer."""
    actor: str
    """Actor of the last change."""
    changed_at: Moment | None
    """Time of the last change."""

    @classmethod
    def of(cls, promotion: Promotion, default: AutoPromote) -> Self:
        """The wire form of settings."""
        stated = promotion.settings.auto_promote
        return cls(
            auto_promote=stated or default,
            by_default=stated is None,
            gates=promotion.settings.gates,
            revision=promotion.revision,
            actor=promotion.actor,
            changed_at=moment(promotion.at) if promotion.revision else None,
        )


class GatesPublic(Config):
    """What the gates said of a version when it was registered."""

    name: str
    """Name of the model."""
    version: int
    """The version."""
    candidate: bool
    """Whether it serves only once it is promoted."""
    passed: bool | None
    """Whether all gates were met; absent where none were evaluated."""
    champion: int | None
    """Version that it was compared with; absent where none served."""
    rows: int
    """Newest test rows that both scored."""
    gates: tuple[Gate, ...]
    """In the order in which they were evaluated; empty where none were."""

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        """The wire form of a version's verdict."""
        found = {"passed": None, "champion": None, "rows": 0, "gates": (), **(version.gates or {})}
        return cls.model_validate({"name": version.name, "version": version.version, "candidate": version.candidate, **found}, strict=False)
