"""Backbones by the name that a recipe gives them; the names are registered in `ihas.config.backbone`, which loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import cast

from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.ensemble import Ensemble
from ihas.models.stacked import StackedEnsemble, can_stack


def register_backbone(name: str, backbone: type[Backbone]) -> None:
    """Make a backbone known under a name, in this process; its constructor takes kept dims, settings and a seed.

    Processes that a run starts know it where its module is an extension (`ihas.extensions.modules`).

    Raises:
        ValueError: the name is taken, or is not lower-case letters, digits, `_` and `-`.
    """
    BACKBONES.register(name, backbone)


def backbone_class(kind: str) -> type[Backbone]:
    """Class of a kind; ValueError where no backbone has the name."""
    known = BACKBONES[kind]
    return cast(type[Backbone], resolve_name(known) if isinstance(known, str) else known)


def build_backbone(config: BackboneConfig, kept: KeptDims, seed: int) -> Backbone:
    """The configured backbone with fresh weights; `seed` is below 2**31."""
    kind = backbone_class(config.kind)
    build = cast(Callable[[KeptDims, BackboneConfig, int], Backbone], kind)
    if config.members == 1:
        return build(kept, config, seed)
    of_members = StackedEnsemble if can_stack(kept, config, kind) else Ensemble
    return of_members(kept, config, seed, build, uses_first_order=kind.uses_first_order)


def first_order_columns(config: BackboneConfig) -> int:
    """Columns of the embedding table beside the embedding: a weight for each member, where the backbone has a first-order part."""
    return config.members if backbone_class(config.kind).uses_first_order else 0
