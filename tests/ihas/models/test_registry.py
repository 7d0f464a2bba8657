"""Backbones by name, and what a recipe may ask of them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from ihas.config.backbone import BackboneConfig
from ihas.models.registry import BACKBONES, build_backbone
from tests.contracts.backbone import SOME


@pytest.mark.parametrize("kind", get_args(BackboneConfig.model_fields["kind"].annotation))
def test_registry_knows_every_backbone(kind: str) -> None:
    """Every name that a recipe may give builds a backbone of that name."""
    assert build_backbone(BackboneConfig(kind=kind), SOME, 0).config.kind == kind  # type: ignore[arg-type]
    assert kind in BACKBONES


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
