"""The commands of the Makefile that have logic of their own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_pythons_of_the_readme_are_tested() -> None:
    """`make test-pythons` tests the Python versions that the README names, no fewer and no others."""
    named = re.search(r"Python (3\.\d+), (3\.\d+) or (3\.\d+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    tested = re.search(r"^PYTHONS \?= (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named is not None
    assert tested is not None
    assert tested[1].split() == [f"python{version}" for version in named.groups()]


def test_a_python_that_is_not_installed_is_no_success() -> None:
    """`make test-pythons` without any of its Pythons names those that are missing and exits with an error."""
    run = subprocess.run(
        ["make", "--no-print-directory", "test-pythons", "PYTHONS=python0.1 python0.2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines() == ["passed: none", "failed: none", "not found: python0.1 python0.2"]
    assert run.returncode != 0
