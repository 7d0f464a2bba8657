"""Modules of extensions are found where they are installed, and where the environment names them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihas.extensions.modules import VARIABLE, load_extensions
from ihas.gates.registry import GATE_FORMS

MODULE = "from ihas.gates.full import FullGate\nfrom ihas.gates.registry import register_gate_form\nregister_gate_form('toy', FullGate())\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module of an extension; what it registers is forgotten."""
    (tmp_path / "toy_extension.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    load_extensions.cache_clear()
    yield tmp_path
    load_extensions.cache_clear()
    sys.modules.pop("toy_extension", None)
    GATE_FORMS.unregister("toy")


def test_an_installed_package_is_an_extension(module: Path) -> None:
    """The module of an entry point of the group is imported, so that what it registers is known by name."""
    info = module / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ihas.extensions]\ntoy = toy_extension\n")
    assert "toy" in GATE_FORMS
    assert load_extensions() == ("toy_extension",)


def test_the_environment_names_extensions(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """During development a variable does what an entry point does."""
    monkeypatch.setenv(VARIABLE, " toy_extension ,")
    assert GATE_FORMS.names[-1] == "toy"


def test_an_extension_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which module cannot be imported, and what to do."""
    monkeypatch.setenv(VARIABLE, "no_such_module")
    load_extensions.cache_clear()
    with pytest.raises(ValueError, match="'no_such_module' must be a module that can be imported.*take it out of IHAS_EXTENSIONS"):
        load_extensions()
    monkeypatch.undo()
    load_extensions.cache_clear()
