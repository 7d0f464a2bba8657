"""Extras are read from the metadata of the installation."""

from __future__ import annotations

import tomllib

import pytest

from ihas import extras
from ihas.errors import missing_package
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = [
    "fastapi>=0.138", "httptools>=0.6", 'tensorflow==2.21.*; extra == "train"', "scikit-learn>=1.6 ; extra == 'train'",
    "faiss-cpu>=1.9; extra == 'ann'", "opentelemetry-sdk>=1.30; extra == 'telemetry'", "ihas[train,ann]; extra == 'all'",
]  # fmt: skip


def test_packages_are_told_by_extra() -> None:
    """Always installed ones first; `all`, which names the others, is none of its own."""
    assert extras.packages(LINES) == {
        "": ("fastapi", "httptools"),
        "train": ("tensorflow", "scikit-learn"),
        "ann": ("faiss-cpu",),
        "telemetry": ("opentelemetry-sdk",),
    }


def test_a_missing_module_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name that it is imported by; `train` where no extra is known to bring it."""
    monkeypatch.setattr("ihas.extras.requires", lambda _name: LINES)
    expected = {"sklearn.metrics": "train", "faiss": "ann", "opentelemetry.sdk": "telemetry", "tensorflow": "train", "nothing": "train"}
    assert {module: extras.extra_of(module) for module in expected} == expected
    assert "`faiss`" in (told := str(missing_package(ModuleNotFoundError("No module named 'faiss'", name="faiss"))))
    assert "`ihas[ann]`" in told


def test_an_installation_without_training_packages_only_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """One missing package is enough; a missing package of another extra is not."""
    monkeypatch.setattr("ihas.extras.requires", lambda _name: ["numpy", "numpy; extra == 'train'", "no-such-package; extra == 'ann'"])
    assert not extras.only_serves()
    monkeypatch.setattr("ihas.extras.requires", lambda _name: ["numpy", "no-such-package; extra == 'train'"])
    assert extras.only_serves()
    assert extras.missing(("numpy", "no-such-package")) == ("no-such-package",)


def test_every_extra_says_what_it_is_for() -> None:
    """The extras of pyproject.toml are those that the doctor explains, and `all` names every one of them."""
    stated = set(PROJECT["optional-dependencies"]) - {extras.ALL}
    assert stated == set(extras.PURPOSES)
    assert PROJECT["optional-dependencies"][extras.ALL] == [f"ihas[{','.join(extras.PURPOSES)}]"]
