"""The registry of model kinds."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from ihas.errors import ConfigError
from ihas.serving.loading import LOADERS
from ihas_pipelines.kinds.model_kind import ModelKind
from ihas_pipelines.kinds.registry import (
    BUILT_IN,
    kind_named,
    kind_of_recipe,
    kind_of_result,
    kind_of_settings,
    kinds,
    register_kind,
    requested_settings,
)


@pytest.mark.tf
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_part_of_a_kind_is_there(name: str) -> None:
    """Functions that are imported at their first call exist; a kind with a recipe can be run, and its result be read and shown."""
    kind = kind_named(name)
    assert kind.name == name
    for part in (kind.run, kind.write_report, kind.tables, kind.estimate):
        if part is not None and ":" in part.__qualname__:
            module, _, function = part.__qualname__.partition(":")
            assert callable(getattr(import_module(module), function))
    if kind.recipe is not None:
        assert kind.run is not None
        assert kind.result is not None
        assert {"name", "data", "learning", "run"} <= set(kind.recipe.model_fields)
        assert {"name"} <= set(kind.result.model_fields)


def test_a_recipe_a_result_and_a_request_lead_to_their_kind() -> None:
    """By its class, by its `kind`, and by the group of settings that it states; what names none is `grouped`."""
    recipe = kind_named("overrec").recipe
    assert recipe is not None
    assert kind_of_recipe(recipe.model_construct()).name == "overrec"
    assert (kind_of_result({}).name, kind_of_result({"kind": "transformer"}).name) == ("grouped", "transformer")
    assert (kind_of_settings({"learning": {}}).name, kind_of_settings({"ladder": {}, "seconds": 9}).name) == ("grouped", "size-sweep")


def test_requests_state_these_settings() -> None:
    """Searches of three kinds and estimates of two can be submitted."""
    assert list(requested_settings("search")) == ["learning", "overrec", "transformer"]
    assert list(requested_settings("estimate")) == ["learning", "ladder"]


def test_bundles_of_every_kind_that_makes_a_model_can_be_loaded() -> None:
    """Kinds that make no model have no loader, and no loader is without a kind."""
    assert set(LOADERS) == {kind.name for kind in kinds()} - {"size-sweep", "transfer"}


@pytest.mark.parametrize(
    "kind", [ModelKind(name="overrec", description="x"), ModelKind(name="other", description="x", aliases=("ladder",))]
)
def test_a_name_that_is_taken_is_refused(kind: ModelKind) -> None:
    """A kind from outside replaces none of iHAS, neither by its name nor by an alias."""
    with pytest.raises(ConfigError, match="must be unique"):
        register_kind(kind)


def test_reading_the_registry_imports_neither_tensorflow_nor_plotly() -> None:
    """Declarations of kinds name what they import later."""
    import subprocess
    import sys

    code = (
        "import sys; from ihas_pipelines.kinds.registry import kinds; kinds();"
        "sys.exit(', '.join({'tensorflow', 'plotly', 'pyarrow', 'onnxruntime'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).returncode == 0


@pytest.mark.tf
def test_no_module_of_a_kind_is_forgotten() -> None:
    """Every folder and file of `ihas_pipelines.kinds` that defines a kind has its line in the registry."""
    import ihas_pipelines.kinds

    modules = {found.name for found in pkgutil.walk_packages(ihas_pipelines.kinds.__path__, "ihas_pipelines.kinds.") if not found.ispkg}
    assert {name for name in modules if hasattr(import_module(name), "KIND")} == set(BUILT_IN.values())
