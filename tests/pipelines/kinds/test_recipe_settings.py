"""Settings of recipes, as the command line and the page of the documentation list them."""

from __future__ import annotations

import pytest

from ihas.errors import ConfigError
from ihas_pipelines.kinds.recipe_settings import page, settings_of_kind
from tests.paths import ROOT


def test_the_page_is_what_the_recipes_say() -> None:
    """`docs/settings.md` is as `make docs-settings` writes it."""
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page()


def test_a_setting_has_default_values_and_meaning() -> None:
    """By hand: a bounded number, a choice, a list with a bounded length, a path without default, an optional group."""
    found = {setting.name: setting for setting in settings_of_kind("grouped")}
    assert found["learning.training.embedding_dim"].values == "whole number (at least 1, at most 512)"
    assert (found["learning.split.kind"].default, found["learning.split.kind"].values) == ('"random"', '"random", "time", "given"')
    assert found["learning.cluster.thresholds"].values == "list of number (greater than 0, less than 1) (1 entries or more)"
    assert (found["data.path"].default, found["data.path"].values) == ("required", "path")
    assert found["budget.wall_s"].default == "absent"
    assert all(setting.meaning for setting in found.values())


def test_an_alias_names_the_same_settings() -> None:
    """`ladder` is the size sweep."""
    assert settings_of_kind("ladder") == settings_of_kind("size-sweep")


@pytest.mark.parametrize(("kind", "words"), [("cold-start", "Use `ihas combine`"), ("grupped", "must be one of grouped, overrec")])
def test_a_kind_without_settings_is_an_error_with_the_way_out(kind: str, words: str) -> None:
    """A kind that no recipe makes, and one that does not exist, say what to do."""
    with pytest.raises(ConfigError, match=words):
        settings_of_kind(kind)
