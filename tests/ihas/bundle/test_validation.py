"""Parts that do not fit each other are told by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ihas.bundle.reference import Reference
from ihas.bundle.validation import check_bundle
from ihas.bundle.values import Bundle, TwoSided
from ihas.data.layout import PADDING, FieldLayout
from ihas.errors import BundleCorruptError
from ihas.routing.additive import AdditiveRouter
from tests.ihas.bundle_factory import bundle_with_users, small_bundle, summed_bundle


def _with_router(**changes: Any) -> Bundle:
    bundle = small_bundle()
    return dataclasses.replace(bundle, router=dataclasses.replace(bundle.router, **changes))


def _with_gates(**changes: Any) -> Bundle:
    return _with_router(gates=dataclasses.replace(small_bundle().router.gates, **changes))


def _with_path(**changes: Any) -> Bundle:
    bundle = small_bundle()
    return dataclasses.replace(bundle, models=(dataclasses.replace(bundle.models[0], **changes), bundle.models[1]))


def _with_golden(**changes: Any) -> Bundle:
    bundle = small_bundle()
    return dataclasses.replace(bundle, golden=dataclasses.replace(bundle.golden, **changes))


def _with_items(**changes: Any) -> Bundle:
    bundle = small_bundle()
    assert bundle.items is not None
    return dataclasses.replace(bundle, items=dataclasses.replace(bundle.items, **changes))


def _with_users(**changes: Any) -> Bundle:
    bundle = bundle_with_users()
    assert bundle.users is not None
    return dataclasses.replace(bundle, users=dataclasses.replace(bundle.users, **changes))


def _changed(array: np.ndarray, place: Any, value: float) -> np.ndarray:
    copy = array.copy()
    copy[place] = value
    return copy


BUNDLE = small_bundle()
ITEMS = BUNDLE.items
assert ITEMS is not None
TABLE, GOLDEN, GATES, FIRST = BUNDLE.router.table, BUNDLE.golden, BUNDLE.router.gates, BUNDLE.models[0]

SUMS = summed_bundle().router
assert isinstance(SUMS, AdditiveRouter)
ALL_READ = dataclasses.replace(FIRST, mask=np.ones((3, 2), bool), gated=True, table=np.ones(26, np.float32))


def _with_sums(**changes: Any) -> Bundle:
    return dataclasses.replace(BUNDLE, router=dataclasses.replace(SUMS, **changes))


def _with_reference(**changes: Any) -> Bundle:
    reference = Reference.of(SUMS, GOLDEN.ids)
    return dataclasses.replace(BUNDLE, router=SUMS, reference=dataclasses.replace(reference, **changes))


def _with_margins(**changes: Any) -> Bundle:
    margins = Reference.of(SUMS, GOLDEN.ids).margins
    assert margins is not None
    return _with_reference(margins=dataclasses.replace(margins, **changes))


TWO_SIDED = TwoSided(np.ones((4, 3), np.float32), np.ones(3, np.float32), False, b"")


def test_the_small_bundle_fits() -> None:
    """The bundles that the other tests break are whole."""
    check_bundle(small_bundle())
    check_bundle(summed_bundle())
    check_bundle(_with_reference())


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        (dataclasses.replace(BUNDLE, model_of_group=(0,)), "path_of_group"),
        (dataclasses.replace(BUNDLE, model_of_group=(0, 2)), "path_of_group"),
        (dataclasses.replace(BUNDLE, model_of_group=(0, -1)), "path_of_group"),
        (dataclasses.replace(BUNDLE, models=(FIRST, FIRST)), "different names"),
        (dataclasses.replace(BUNDLE, items=None), "item table exactly where"),
        (dataclasses.replace(BUNDLE, schema=BUNDLE.schema.model_copy(update={"fields": BUNDLE.schema.fields[::-1]})), "schema.json"),
        (_with_router(layout=FieldLayout(("a",), (13,), (1,))), "encoder's layout"),
        (_with_router(table=TABLE[0]), "matrices"),
        (_with_router(table=TABLE[:-1]), "router table must be float32"),
        (_with_router(table=TABLE.astype(np.float64)), "router table must be float32"),
        (_with_router(table=_changed(TABLE, (3, 1), np.nan)), "router table must hold finite"),
        (_with_router(centroids=np.zeros((2, 5), np.float32)), "centroids"),
        (_with_gates(scale=np.zeros(6, np.float32)), "scale must be above 0"),
        (_with_gates(mean=np.zeros(5, np.float32)), "gate mean"),
        (_with_gates(kernels=(np.zeros((6, 5), np.float32),)), "gate kernel"),
        (_with_gates(kernels=()), "the shapes .* of each kernel, but have 0"),
        (_with_gates(biases=(np.zeros(5, np.float32),)), "gate bias"),
        (_with_gates(form="mlp"), "the shapes .* of each kernel, but have 1"),
        (_with_gates(form="magic"), "one of full, field, mlp, or be registered"),
        (_with_path(mask=np.ones((3, 3), bool)), "mask of model 'group-0'"),
        (_with_path(mask=FIRST.mask.astype(np.uint8)), "mask of model 'group-0'"),
        (_with_path(gated=True), "must be all true"),
        (_with_path(table=FIRST.table[:-1]), "table of model 'group-0'"),
        (_with_path(table=_changed(FIRST.table, 0, np.inf)), "must hold finite"),
        (_with_path(first_order=np.zeros(12, np.float32)), "first-order weights of model 'group-0'"),
        (_with_path(mask=np.ones((3, 2), bool), gated=True, two_sided=TWO_SIDED), "cannot have two sides"),
        (_with_path(two_sided=dataclasses.replace(TWO_SIDED, kernel=TWO_SIDED.kernel[:-1])), "kernel of the two sides of model 'group-0'"),
        (_with_path(two_sided=dataclasses.replace(TWO_SIDED, kernel=TWO_SIDED.kernel[:, :-1])), "kernel of the two sides"),
        (_with_path(two_sided=dataclasses.replace(TWO_SIDED, bias=TWO_SIDED.bias[None])), "bias of the two sides of model 'group-0'"),
        (_with_path(two_sided=dataclasses.replace(TWO_SIDED, bias=TWO_SIDED.bias[:0])), "bias of the two sides of model 'group-0'"),
        (_with_path(two_sided=dataclasses.replace(TWO_SIDED, bias=TWO_SIDED.bias * np.float32(np.nan))), "must hold finite"),
        (_with_golden(logits=GOLDEN.logits[:-1]), "golden logits"),
        (_with_golden(group=GOLDEN.group.astype(np.int64)), "golden group"),
        (_with_golden(ids=GOLDEN.ids[:, :-1]), "golden ids must be int32"),
        (_with_golden(ids=_changed(GOLDEN.ids, (0, 0), 4)), "golden ids must lie within"),
        (_with_golden(ids=_changed(GOLDEN.ids, (0, 0), PADDING)), "golden ids must lie within"),
        (_with_items(ids=_changed(ITEMS.ids, (0, 2), 7)), "item ids must lie within"),
        (dataclasses.replace(BUNDLE, users=bundle_with_users().users), "user table exactly where"),
        (dataclasses.replace(bundle_with_users(), users=None), "user table exactly where"),
        (_with_users(names=("ada", "ada")), "2 different names"),
        (_with_users(items=np.array([0, 3], np.int32)), "positions of 3 items"),
        (_with_users(items=np.array([0, -1], np.int32)), "positions of 3 items"),
        (_with_users(offsets=np.array([0, 2, 1], np.int64)), "each user's after the one before"),
        (_with_users(offsets=np.array([0, 2], np.int64)), "each user's after the one before"),
        (_with_users(values={"user": ITEMS.values["genres"] if ITEMS.values else None}), "values of no field"),
        (_with_items(names=("m1", "m2")), "one row for each"),
        (_with_items(names=("m1", "m2", "m2")), "one row for each"),
        (_with_items(popularity=np.zeros(2, np.int32)), "one row for each"),
        (_with_sums(weights=SUMS.weights.astype(np.int32)), "sums must be int16"),
        (_with_sums(weights=SUMS.weights[:-1]), "sums must be int16"),
        (_with_sums(weights=SUMS.weights[:, 0]), "matrices"),
        (_with_sums(weights=SUMS.weights[:, :0], bias=SUMS.bias[:0]), "groups above 0"),
        (_with_sums(bias=SUMS.bias.astype(np.int64)), "with a bias int32"),
        (_with_sums(bias=SUMS.bias[:1]), "with a bias int32"),
        (_with_sums(layout=FieldLayout(("a",), (13,), (1,))), "encoder's layout"),
        (_with_router(sums=dataclasses.replace(SUMS, bias=SUMS.bias[:1])), "with a bias int32"),
        (_with_router(sums=dataclasses.replace(SUMS, weights=SUMS.weights.repeat(2, axis=1), bias=SUMS.bias.repeat(2))), "as many groups"),
        (dataclasses.replace(BUNDLE, router=SUMS, models=(ALL_READ, BUNDLE.models[1])), "needs a router with gates"),
        (_with_path(table_mask=FIRST.mask[:, ::-1].copy()), "must hold every dimension"),
        (_with_path(table_mask=np.ones((3, 2), np.uint8)), "must hold every dimension"),
        (_with_path(table_mask=np.ones((3, 2), bool)), "table of model 'group-0' must be float32"),
        (_with_reference(margins=None), "exactly where sums say the group"),
        (_with_reference(shares=np.ones(3, np.float32)), "shares of the reference"),
        (_with_reference(gate_rates=np.ones(6, np.float32)), "gate rates of the reference"),
        (_with_margins(shares=np.ones((4, 9), np.float32)), "margin shares"),
        (_with_margins(edges=np.ones((3, 9), np.int32)), "margin edges"),
        (_with_margins(edges=np.ones((4, 9), np.int64)), "margin edges"),
        (_with_margins(edges=np.tile(np.arange(9, 0, -1, dtype=np.int32), (4, 1))), "ascending"),
    ],
)
def test_broken_laws_are_told(bundle: Bundle, message: str) -> None:
    """Each broken law is named in the error."""
    with pytest.raises(BundleCorruptError, match=message):
        check_bundle(bundle)


def test_all_broken_laws_are_told_at_once() -> None:
    """Two faults give one error that names both."""
    bundle = dataclasses.replace(_with_golden(logits=GOLDEN.logits[:-1]), model_of_group=(0, 9))
    with pytest.raises(BundleCorruptError, match=r"path_of_group.*golden logits"):
        check_bundle(bundle)
