"""FuxiCTR's own training learns what there is to learn."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from ihas.data.dataset import Dataset, Splits
from ihas.data.synthetic import make_tribes
from ihas_pipelines.benchmarks.fuxictr_fit import row

pytestmark = pytest.mark.tf

INSTALLED = all(importlib.util.find_spec(package) for package in ("torch", "fuxictr"))


@pytest.mark.skipif(not INSTALLED, reason="fuxictr is no dependency of ours; where it is installed its training can be measured")
@pytest.mark.parametrize("kind", ["mlp", "finalmlp"])
def test_its_training_finds_the_field_that_decides(kind: str) -> None:
    """One field decides the label, up to an AUC of .87: a few epochs find it."""
    oracle = make_tribes(np.random.default_rng(0), 1, (40_000, 2_000, 2_000), values=5)
    layout = replace(oracle.layout, names=("user", "item", "noise"))
    parts = Splits(*(Dataset(layout, part.ids, part.labels) for part in (oracle.parts.train, oracle.parts.valid, oracle.parts.test)))

    cells = [cell.strip() for cell in row(kind, parts, 0, epochs=12).strip("|").split("|")]

    assert cells[:2] == [kind, "0"]
    assert float(cells[2]) > 0.8
