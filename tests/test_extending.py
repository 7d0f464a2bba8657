"""Every example of docs/extending.md works from outside the packages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.values import Bundle
from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.errors import BundleCorruptError
from ihas.gates.registry import GATE_FORMS
from ihas.models.network import fresh_weights
from ihas.models.registry import build_backbone
from ihas.routing.router import Router, embed, points
from ihas.seeding import generator
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from ihas.stages.evaluate.variants import gated_variant
from ihas.stages.search import SearchResult, search_gates
from tests.contracts.backbone import BackboneContract, Build
from tests.contracts.gate_form import GateFormContract
from tests.ihas.serving.mixed_bundle import DIM, ITEMS, contexts, mixed_bundle, mixed_encoder, with_golden_rows
from tests.oracle import ignore
from tests.paths import ROOT

pytestmark = pytest.mark.tf

MAX_LINES = 40


def example(section: str) -> str:
    """The first Python example under a heading of the page."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {section}\n.*?```python\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert found is not None, section
    assert len(found[1].splitlines()) < MAX_LINES
    return found[1]


# ---- a gate form ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def element_gate() -> Iterator[str]:
    """The form of the page, registered as the page registers it."""
    exec(compile(example("Add a gate form"), "docs/extending.md", "exec"), {"__name__": "example"})
    yield "element"
    GATE_FORMS.unregister("element")


class TestElementGate(GateFormContract):
    """The form of the page is a form of gate."""

    @pytest.fixture
    def name(self, element_gate: str) -> str:
        return element_gate


def learning(**search: Any) -> LearningConfig:
    """A small linear model, and a short search."""
    return LearningConfig(
        backbone=BackboneConfig(kind="lr"),
        training=TrainingConfig(embedding_dim=DIM, batch_size=32, learning_rate=0.02, embedding_l2=1e-4, epochs=1),
        search=SearchConfig.model_validate({"epochs": 1, **search}),
    )


def splits() -> Splits:
    """Random rows of the mixed bundle's fields; odd items are clicked."""
    encoder, rng = mixed_encoder(), np.random.default_rng(4)
    rows = [{"movie": ITEMS[rng.integers(len(ITEMS))], **context} for context in contexts() * 2]
    labels = np.array([int(str(row["movie"])[1:]) % 2 for row in rows], np.float32)
    part = Dataset(encoder.layout, encoder.encode_rows(rows), labels)
    return Splits(part, part, part)


def bundle_of(found: SearchResult, kind: str, *, gated: bool) -> Bundle:
    """A bundle behind the gates that a search learnt, clustered on the rows that it saw."""
    bundle, layout = mixed_bundle(kind, "full", "masked", gated=gated), mixed_encoder().layout
    table = found.weights.table[:, :DIM]
    embedded = embed(splits().train.ids, table, layout)
    around = points(embedded, found.gates.logits(embedded), "masked", DIM)
    centroids = np.stack([around[::2].mean(axis=0), around[5:9].mean(axis=0)]).astype(np.float32)
    return with_golden_rows(dataclasses.replace(bundle, router=Router(layout, table, found.gates, centroids, "masked")))


@pytest.mark.parametrize("gated", [False, True], ids=["grouped", "gated"])
def test_a_gate_form_from_outside_is_searched_stored_and_served(element_gate: str, gated: bool, tmp_path: Path) -> None:
    """The search learns it, its cost is counted, a bundle keeps it, and recommended candidates score as their whole rows do."""
    config, parts = learning(gate=element_gate), splits()
    start = fresh_weights(parts.train.layout, config, generator(0, "start"))
    found = search_gates(parts, start, config, ignore)
    assert (found.gates.form, found.gates.kernels[0].shape) == ("element", (1, parts.train.layout.num_fields * DIM))
    assert np.ptp(found.gates.kernels[0]) > 0.0
    variant = gated_variant(found.weights, found.gates, 1.0, parts, config)
    assert variant.cost.multiply_adds > found.gates.multiply_adds == 2 * found.gates.mean.size

    write_bundle(bundle_of(found, "lr", gated=gated), tmp_path / "bundle")
    recommender = load_recommender(tmp_path / "bundle")
    assert isinstance(recommender, GroupedRecommender)
    assert recommender.bundle.items is not None
    candidates = CandidateModel(recommender.model, recommender.bundle, recommender.bundle.items)
    for context in contexts():
        answer = recommender.recommend(RecommendRequest(context=context, k=len(ITEMS)))
        row = recommender.bundle.encoder.encode_row(context, recommender.bundle.encoder.names_of("context"))
        group, logits = recommender.score_ids(candidates.ids(row, np.array([ITEMS.index(item.id) for item in answer.items])))
        assert [item.group for item in answer.items] == group.tolist()
        np.testing.assert_allclose([item.score for item in answer.items], 1.0 / (1.0 + np.exp(-logits)), rtol=1e-4, atol=1e-5)


def test_a_gate_form_that_is_not_registered_is_told(element_gate: str, tmp_path: Path) -> None:
    """A process that does not know the form refuses the bundle and says how to make it known; a recipe is refused likewise."""
    config, parts = learning(gate=element_gate), splits()
    found = search_gates(parts, fresh_weights(parts.train.layout, config, generator(0, "start")), config, ignore)
    write_bundle(bundle_of(found, "lr", gated=False), tmp_path / "bundle")
    form = GATE_FORMS[element_gate]
    GATE_FORMS.unregister(element_gate)
    try:
        with pytest.raises(BundleCorruptError, match="one of full, field, mlp, or be registered by `register_gate_form`, but is 'element'"):
            read_bundle(tmp_path / "bundle")
        with pytest.raises(ValueError, match="must be one of full, field, mlp, but got 'element'"):
            learning(gate="element")
    finally:
        GATE_FORMS.register(element_gate, form)


# ---- a backbone -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def weighted_backbone() -> Iterator[str]:
    """The backbone of the page, registered as the page registers it."""
    exec(compile(example("Add a backbone"), "docs/extending.md", "exec"), {"__name__": "example"})
    yield "weighted"
    BACKBONES.unregister("weighted")


class TestWeightedBackbone(BackboneContract):
    """The backbone of the page is a backbone."""

    @pytest.fixture
    def build(self, weighted_backbone: str) -> Build:
        return lambda kept, seed: build_backbone(BackboneConfig(kind=weighted_backbone), kept, seed)

    @pytest.fixture
    def costs(self) -> dict[int, tuple[int, int]]:
        """A product for each element, and one bias."""
        return {12: (12, 13), 5: (5, 6)}


def test_a_backbone_from_outside_is_exported_and_served(weighted_backbone: str, tmp_path: Path) -> None:
    """A bundle of it is read and serves where the backbone is not registered."""
    bundle = with_golden_rows(mixed_bundle(weighted_backbone, "full", "masked"))
    write_bundle(bundle, tmp_path / "bundle")
    known = BACKBONES[weighted_backbone]
    BACKBONES.unregister(weighted_backbone)
    try:
        answer = load_recommender(tmp_path / "bundle").recommend(RecommendRequest(context=contexts()[2], k=3))
        assert len(answer.items) == 3
    finally:
        BACKBONES.register(weighted_backbone, known)
