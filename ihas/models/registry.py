"""Backbones by the name that a recipe gives them."""

from __future__ import annotations

from ihas.config import BackboneConfig
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.dcn import DCN
from ihas.models.mlp import MLP

BACKBONES: dict[str, type[MLP] | type[DCN]] = {"mlp": MLP, "dcn": DCN}


def build_backbone(config: BackboneConfig, kept: KeptDims, seed: int) -> Backbone:
    """The configured backbone with fresh weights; `seed` is below 2**31."""
    return BACKBONES[config.kind](kept, config, seed)
