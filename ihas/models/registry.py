"""Backbones by the name that a recipe gives them."""

from __future__ import annotations

from typing import Any

from ihas.config.backbone import BackboneConfig
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
