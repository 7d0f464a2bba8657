"""What is asked of new versions of a model, and what is known of one as it is registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ihas.config.base import Config
from ihas.results.gates import GateBounds, GatesVerdict

AutoPromote = Literal["never", "first", "passing"]


class PromotionSettings(Config):
    """Which new versions of a model go live without a person."""

    auto_promote: AutoPromote | None = None
    """`first`: the first version, and no later one; `passing`: every version that meets the gates; `never`: none. IHAS_AUTO_PROMOTE by
    default. What a search states itself comes first."""
    gates: GateBounds = GateBounds()
    """Bounds of the gates."""


@dataclass(frozen=True, slots=True)
class Release:
    """What is known of a version as it is registered.

    Attributes:
        auto_promote: what holds for it.
        verdict: what the gates said; None where they could not be evaluated.
        detail: why they could not.
    """

    auto_promote: AutoPromote
    verdict: GatesVerdict | None = None
    detail: str = ""
