"""Backbones by the name that a recipe gives them."""

from __future__ import annotations

from typing import Any

from ihas.config import BackboneConfig
from ihas.errors import ConfigError
from ihas.models.autoint import AutoInt
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.dcn import DCN
from ihas.models.deepfm import DeepFM
from ihas.models.finalmlp import FinalMLP
from ihas.models.fm import FM
from ihas.models.ipnn import IPNN
from ihas.models.lr import LR
from ihas.models.mlp import MLP
from ihas.models.wide_deep import WideDeep
from ihas.models.xdeepfm import XDeepFM

BACKBONES: dict[str, Any] = {
    "mlp": MLP,
    "lr": LR,
    "fm": FM,
    "wide_deep": WideDeep,
    "deepfm": DeepFM,
    "dcn": DCN,
    "ipnn": IPNN,
    "xdeepfm": XDeepFM,
    "autoint": AutoInt,
    "finalmlp": FinalMLP,
}


def build_backbone(config: BackboneConfig, kept: KeptDims, seed: int) -> Backbone:
    """The configured backbone with fresh weights; `seed` is below 2**31."""
    backbone: Backbone = BACKBONES[config.kind](kept, config, seed)
    return backbone


def check_searchable(config: BackboneConfig) -> None:
    """That the logits depend on the embedding dimensions that gates and masks would choose among.

    Raises:
        ConfigError: they do not.
    """
    if not BACKBONES[config.kind].uses_embedding:
        others = ", ".join(repr(kind) for kind, backbone in BACKBONES.items() if backbone.uses_embedding)
        raise ConfigError(
            f"The backbone of a search must read embedding dimensions, but {config.kind!r} reads first-order weights alone. "
            f"Set `backbone.kind` to one of {others}."
        )
