"""Candidates of a context score as their whole rows do, whatever the backbone, the gates and the memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.bundle.values import Bundle
from ihas.config.backbone import BACKBONES
from ihas.gates.registry import GATE_FORMS
from ihas.models.registry import backbone_class
from ihas.routing.router import PointsOf, Router, embed, sums_of
from ihas.serving.grouped.candidate_model import BLOCK_ROWS, CandidateModel
from ihas.serving.grouped.model import GroupedModel
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle, random_ids
from tests.ihas.serving.mixed_bundle import contexts, mixed_bundle, with_one_table, with_own_tables, with_sums

pytestmark = pytest.mark.tf

FORMS = tuple(GATE_FORMS)
POINTS: tuple[PointsOf, ...] = ("masked", "mask", "openness", "embedding")
UNDECIDED = 1e-4
KINDS = sorted(BACKBONES)


def _undecided(router: Router, ids: np.ndarray) -> np.ndarray:
    """Rows so near to another route that the order of a sum decides: bool (rows,)."""
    gates = np.abs(router.gates.logits(embed(ids, router.table, router.layout))).min(axis=1)
    distances = np.sort(router.route(ids).distances, axis=1)
    gap = distances[:, 1] - distances[:, 0] if distances.shape[1] > 1 else np.inf
    return np.asarray(np.minimum(gates, gap) < UNDECIDED)


def _assert_as_whole_rows(bundle: Bundle, context: np.ndarray, positions: np.ndarray, max_bytes: int) -> int:
    """The law of this page, for one context; how many rows were decided."""
    assert bundle.items is not None
    model = GroupedModel(bundle)
    candidates = CandidateModel(model, bundle, bundle.items, max_bytes)
    ids = candidates.ids(context, positions)
    found, (group, logits) = candidates.score(context, positions), model.logits(ids)
    decided = ~_undecided(bundle.router, ids)
    np.testing.assert_array_equal(found.group[decided], group[decided])
    np.testing.assert_allclose(found.logits[decided], logits[decided], rtol=1e-5, atol=1e-5)
    return int(decided.sum())


@pytest.mark.parametrize(("kind", "normalised"), [("mlp", True), *((kind, False) for kind in KINDS)])
def test_every_backbone_scores_candidates_as_whole_rows(kind: str, normalised: bool) -> None:
    """Two groups with masks of their own, every context with every item: split where the kind can be, whole rows elsewhere."""
    turn = KINDS.index(kind)
    bundle = mixed_bundle(kind, FORMS[turn % 3], POINTS[turn // 3 % 3], normalised=normalised)
    assert bundle.items is not None
    positions = np.arange(len(bundle.items.names))
    rows = [bundle.encoder.encode_row(context, bundle.encoder.names_of("context")) for context in contexts()]

    assert all((path.two_sided is not None) == ("two_sided" in vars(backbone_class(kind))) for path in bundle.models)
    assert len(set(GroupedRecommender(bundle).score_ids(bundle_rows(bundle))[0].tolist())) == 2
    assert sum(_assert_as_whole_rows(bundle, row, positions, 2**20) for row in rows) > 0.9 * len(rows) * len(positions)


def bundle_rows(bundle: Bundle) -> np.ndarray:
    """Every context with every item: int32 (rows, num_slots)."""
    assert bundle.items is not None
    model = CandidateModel(GroupedModel(bundle), bundle, bundle.items)
    fields, positions = bundle.encoder.names_of("context"), np.arange(len(bundle.items.names))
    return np.concatenate([model.ids(bundle.encoder.encode_row(context, fields), positions) for context in contexts()])


@pytest.mark.parametrize("gated", [False, True], ids=["grouped", "gated"])
@pytest.mark.parametrize("on", POINTS)
@pytest.mark.parametrize("form", FORMS)
def test_every_router_sends_candidates_where_it_sends_whole_rows(form: str, on: PointsOf, gated: bool) -> None:
    """All forms of gates, all points of clustering, with paths that read the gates and without."""
    bundle = mixed_bundle("lr" if not gated else "fm", form, on, gated=gated)
    assert bundle.items is not None
    positions = np.arange(len(bundle.items.names))
    rows = [bundle.encoder.encode_row(context, bundle.encoder.names_of("context")) for context in contexts()]

    assert sum(_assert_as_whole_rows(bundle, row, positions, 2**20) for row in rows) > 0.9 * len(rows) * len(positions)


@pytest.mark.parametrize("gated", [False, True], ids=["grouped", "gated"])
def test_sums_of_two_sides_send_candidates_exactly_where_whole_rows_go(gated: bool) -> None:
    """Every context with every item, unknown ones and cells with several values too: the same group without exception, from memory for
    all items and for none."""
    bundle = with_sums(mixed_bundle("lr" if not gated else "fm", "full", "masked", gated=gated))
    assert bundle.items is not None
    model, positions = GroupedModel(bundle), np.arange(len(bundle.items.names))
    for max_bytes in (2**20, 0):
        candidates = CandidateModel(model, bundle, bundle.items, max_bytes)
        for context in contexts():
            row = bundle.encoder.encode_row(context, bundle.encoder.names_of("context"))
            ids = candidates.ids(row, positions)
            found, (group, logits) = candidates.score(row, positions), model.logits(ids)
            np.testing.assert_array_equal(found.group, group)
            np.testing.assert_array_equal(found.group, sums_of(bundle.router).route(ids).group)
            decided = ~_undecided(bundle.router, ids) if gated else np.ones(len(ids), bool)
            assert decided.mean() > 0.9
            np.testing.assert_allclose(found.logits[decided], logits[decided], rtol=1e-5, atol=1e-5)
    assert set(model.logits(bundle_rows(bundle))[0].tolist()) == {0, 1}


def test_an_item_brings_few_bytes_to_sums() -> None:
    """Two groups' sums are 8 bytes of an item; gates and embedding of the same bundle are many more."""
    bundle = mixed_bundle("autoint", "full", "masked")
    assert bundle.items is not None
    light, heavy = (CandidateModel(GroupedModel(one), one, bundle.items).arrays.bytes_of_item for one in (with_sums(bundle), bundle))
    assert light == 8
    assert heavy > 10 * light


@pytest.mark.parametrize("kind", KINDS)
def test_models_with_one_table_score_as_with_tables_of_their_own(kind: str) -> None:
    """Whole rows and candidates, few rows and many, whatever the backbone."""
    bundle = with_one_table(with_sums(mixed_bundle(kind, "full", "masked")))
    other = with_own_tables(bundle)
    assert bundle.items is not None
    ids = bundle_rows(bundle)
    for rows in (ids, ids[:3]):
        for one, two in zip(GroupedModel(bundle).logits(rows), GroupedModel(other).logits(rows), strict=True):
            np.testing.assert_array_equal(one, two)
    row = bundle.encoder.encode_row(contexts()[0], bundle.encoder.names_of("context"))
    positions = np.arange(len(bundle.items.names))
    found, expected = (CandidateModel(GroupedModel(one), one, bundle.items).score(row, positions) for one in (bundle, other))
    np.testing.assert_array_equal(found.logits, expected.logits)


shapes = st.builds(
    BundleShape,
    hidden=st.sampled_from([(4,), (5, 3)]),
    num_fields=st.integers(2, 6),
    num_users=st.just(5),
    num_items=st.integers(1, 30),
    num_values=st.just(4),
    dim=st.integers(1, 4),
    num_groups=st.integers(1, 4),
    gated=st.booleans(),
    gate_form=st.sampled_from(FORMS),
    on=st.sampled_from(POINTS),
)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 2**31), st.integers(0, 4_000), st.data())
def test_memory_for_items_changes_no_score(shape: BundleShape, seed: int, max_bytes: int, data: st.DataObject) -> None:
    """With room for all items, for some, or for none, candidates in any order and number score as whole rows."""
    bundle = random_bundle(shape, seed)
    positions = np.array(data.draw(st.lists(st.integers(0, shape.num_items - 1), min_size=1, max_size=20)))
    row = random_ids(bundle, 1, np.random.default_rng(seed))[0]

    _assert_as_whole_rows(bundle, row[bundle.encoder.slots_of("context")], positions, max_bytes)


def test_more_candidates_than_a_block() -> None:
    """Blocks are joined in order."""
    bundle = random_bundle(BundleShape(num_users=5, num_items=BLOCK_ROWS + 9, num_values=4, num_fields=4, dim=2, num_groups=2))
    row = random_ids(bundle, 1, np.random.default_rng(0))[0]

    assert _assert_as_whole_rows(bundle, row[bundle.encoder.slots_of("context")], np.arange(BLOCK_ROWS + 9)[::-1], 2**20) > BLOCK_ROWS
