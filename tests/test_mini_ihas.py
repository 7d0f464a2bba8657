"""The method on one page finds what is there to be found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tf, pytest.mark.slow]

PAGE = Path(__file__).parent.parent / "docs" / "mini_ihas.py"


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What the page prints, by the words before the colon."""
    done = subprocess.run([sys.executable, str(PAGE)], capture_output=True, text=True, check=True, timeout=250)
    lines = (line.partition(": ") for line in done.stdout.splitlines())
    return {name: value for name, _, value in lines}


def test_groups_reach_what_one_model_cannot(printed: dict[str, str]) -> None:
    """The grouped models are within .01 of the best reachable AUC, as is the supernet; the plain model is more than .05 below."""
    base, supernet, grouped, best = (float(printed[f"{name} AUC"]) for name in ("base", "supernet", "grouped", "best reachable"))
    assert base < best - 0.05
    assert abs(supernet - best) < 0.01
    assert abs(grouped - best) < 0.01


def test_groups_are_the_tribes(printed: dict[str, str]) -> None:
    """The groups are the tribes, and each keeps more of its own tribe's taste than of the other's."""
    assert float(printed["adjusted Rand index"]) > 0.95
    kept = json.loads(f"[{printed['kept dimensions of tribe, taste 0, taste 1, noise'].replace('] [', '], [')}]")
    leads = sorted(first - second for _, first, second, _ in kept)
    assert leads[0] <= -2
    assert leads[1] >= 2


def test_fits_on_a_page() -> None:
    """The page has at most 150 lines, none longer than the project's."""
    lines = PAGE.read_text().splitlines()
    assert len(lines) <= 150
    assert max(map(len, lines)) <= 140
