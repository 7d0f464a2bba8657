"""Backbones by name, and what a recipe may ask of them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from ihas.config import BackboneConfig
from ihas.errors import ConfigError
from ihas.models.registry import BACKBONES, build_backbone, check_searchable
from tests.contracts.backbone import SOME


def test_no_search_without_an_embedding() -> None:
    """Logistic regression leaves nothing to search and is refused with the way out; every other backbone is not."""
    for kind in BACKBONES:
        config = BackboneConfig(kind=kind)  # type: ignore[arg-type]  # the registry's names are the literal's
        if kind == "lr":
            with pytest.raises(ConfigError, match=r"'lr' reads first-order weights alone. Set `backbone.kind` to one of 'mlp', 'fm'"):
                check_searchable(config)
        else:
            check_searchable(config)


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
