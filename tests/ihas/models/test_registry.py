"""Backbones by name, and what a recipe may ask of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.models.registry import build_backbone
from tests.contracts.backbone import SOME

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("kind", list(BACKBONES))
def test_registry_knows_every_backbone(kind: str) -> None:
    """Every name that a recipe may give builds a backbone of that name."""
    assert build_backbone(BackboneConfig(kind=kind), SOME, 0).config.kind == kind


def test_an_unknown_kind_is_told_with_the_nearest() -> None:
    """The setting's error names the kinds and the one that was meant; the JSON schema lists them."""
    with pytest.raises(ValidationError, match=r"must be one of mlp, lr, .*, finalmlp, but got 'deepfn'. Did you mean `deepfm`\?"):
        BackboneConfig(kind="deepfn")
    assert BackboneConfig.model_json_schema()["properties"]["kind"]["enum"] == [*BACKBONES, "auto"]


@pytest.mark.parametrize(
    ("settings", "law"),
    [
        ({"kind": "autoint", "attention_dim": 6, "attention_heads": 4}, "`attention_heads` must divide `attention_dim`"),
        ({"kind": "finalmlp", "hidden": ()}, "`hidden` is empty"),
        ({"kind": "finalmlp", "hidden": (8,), "second_hidden": (6,), "fusion_heads": 4}, "`fusion_heads` must divide"),
    ],
)
def test_refuses_heads_that_do_not_divide(settings: dict[str, Any], law: str) -> None:
    """Heads of unequal size, and a stream without layers, are refused before anything is built."""
    with pytest.raises(ValidationError, match=law):
        BackboneConfig(**settings)
