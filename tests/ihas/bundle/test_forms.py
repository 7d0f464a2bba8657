"""Which form a bundle is of: the lowest that says all that is in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.manifest import FORMAT_VERSION, read_manifest
from ihas.routing.router import PointsOf, Router
from tests.ihas.bundle_factory import small_bundle


@pytest.mark.parametrize("on", ["masked", "openness", "values"])
def test_groups_of_values_are_of_the_newest_form(on: PointsOf, tmp_path: Path) -> None:
    """Versions that do not know them say that the bundle is too new; what they know stays of a form that they read."""
    bundle = small_bundle()
    assert isinstance(bundle.router, Router)
    write_bundle(replace(bundle, router=replace(bundle.router, on=on)), tmp_path / "bundle")
    router = read_bundle(tmp_path / "bundle").router
    assert isinstance(router, Router)

    assert router.on == on
    assert (read_manifest(tmp_path / "bundle").version == FORMAT_VERSION) == (on == "values")
