"""Do the parts of a bundle fit each other?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ihas.bundle.reference import NUM_BINS, Reference
from ihas.bundle.values import Bundle, ExportedModel, Retrieval, TwoSided
from ihas.data.item_table import FieldValues
from ihas.data.layout import PADDING, FieldLayout
from ihas.errors import BundleCorruptError
from ihas.gates.form import GateSize
from ihas.gates.registry import GATE_FORMS
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import AnyRouter, Gates, Router, sums_of


def check_bundle(bundle: Bundle) -> None:
    """Check names, shapes, types, ranges and finite numbers.

    Raises:
        BundleCorruptError: says every law that is broken.
    """
    problems = list(_problems(bundle))
    if problems:
        raise BundleCorruptError(f"The parts of bundle {bundle.name!r} do not fit each other: {'; '.join(problems)}.")


def _problems(bundle: Bundle) -> Iterator[str]:
    layout, router = bundle.encoder.layout, bundle.router
    yield from _schema_problems(bundle)
    if (problem := _shape_problem(router, layout)) is not None:
        yield problem
        return
    if isinstance(router, Router):
        yield from _router_problems(router)
    if (sums := sums_of(router)) is not None:
        yield from _sums_problems(sums)
        if sums.num_groups != router.num_groups:
            yield f"sums and centroids must be of as many groups, but are of {sums.num_groups} and {router.num_groups}"
    yield from _group_problems(bundle)
    dim = router.dim if isinstance(router, Router) else bundle.dim if bundle.models else 0
    for model in bundle.models:
        yield from _model_problems(model, layout, dim)
    if not isinstance(router, Router) and any(model.gated for model in bundle.models):
        yield "a model that reads the row's gates needs a router with gates"
    yield from _row_problems(bundle)
    yield from _item_problems(bundle)
    yield from _user_problems(bundle)
    if bundle.reference is not None:
        yield from _reference_problems(bundle.reference, router)
    if bundle.fallback is not None:
        yield from _array_problems("golden logits of the fallback", bundle.fallback.logits, bundle.golden.ids.shape[:1])
        if not 0 <= bundle.fallback.model < len(bundle.models) or bundle.models[bundle.fallback.model].gated:
            yield f"the fallback must be one of {len(bundle.models)} models, and not gated, but is {bundle.fallback.model}"
    if bundle.calibration is not None:
        yield from bundle.calibration.problems()
    yield from _task_problems(bundle)
    if bundle.retrieval is not None:
        yield from _retrieval_problems(bundle, bundle.retrieval)


def _shape_problem(router: AnyRouter, layout: FieldLayout) -> str | None:
    """What must hold before anything else can be looked at."""
    sums, matrices = sums_of(router), [router.table, router.centroids] if isinstance(router, Router) else []
    matrices += [] if sums is None else [sums.weights]
    if router.layout == layout and all(matrix.ndim == 2 for matrix in matrices) and (sums is None or sums.layout == layout):
        return None
    return f"the router must have matrices and the encoder's layout, but got {', '.join(str(matrix.shape) for matrix in matrices)}"


def _sums_problems(sums: AdditiveRouter) -> Iterator[str]:
    found = (sums.weights.dtype, sums.weights.shape[0], sums.bias.dtype, sums.bias.shape)
    expected = (np.dtype(np.int16), sums.layout.num_rows, np.dtype(np.int32), (sums.num_groups,))
    if found != expected or not sums.num_groups:
        rows, groups = sums.layout.num_rows, sums.num_groups
        yield f"the sums must be int16 ({rows}, {groups}) with a bias int32 ({groups},), groups above 0, but got {found}"


def _reference_problems(reference: Reference, router: AnyRouter) -> Iterator[str]:
    width = router.centroids.shape[1] if isinstance(router, Router) else 0
    yield from _array_problems("shares of the reference", reference.shares, (router.num_groups,))
    yield from _array_problems("gate rates of the reference", reference.gate_rates, (width,))
    if (reference.margins is not None) != (sums_of(router) is not None and router.num_groups > 1):
        yield "the reference must say where margins lie exactly where sums say the group"
    if reference.margins is not None:
        rows, edges = router.layout.num_fields + 1, reference.margins.edges
        yield from _array_problems("margin shares of the reference", reference.margins.shares, (rows, NUM_BINS))
        if edges.shape != (rows, NUM_BINS - 1) or edges.dtype != np.int32 or (np.diff(edges.astype(np.int64), axis=1) < 0).any():
            yield f"margin edges of the reference must be int32 {(rows, NUM_BINS - 1)}, ascending, but are {edges.dtype} {edges.shape}"


def _retrieval_problems(bundle: Bundle, retrieval: Retrieval) -> Iterator[str]:
    query, width = retrieval.query, retrieval.items.shape[-1]
    hidden = query.kernels[0].shape[-1]
    if bundle.items is None or query.table.ndim != 2:
        yield "a retrieval tower needs an item table, and a matrix of embeddings"
        return
    yield from _array_problems("table of the retrieval", query.table, (query.layout.num_rows, query.table.shape[1]))
    shapes = ((query.layout.num_fields * query.table.shape[1], hidden), (hidden, width))
    for kernel, bias, shape in zip(query.kernels, query.biases, shapes, strict=True):
        yield from _array_problems("kernel of the retrieval", kernel, shape)
        yield from _array_problems("bias of the retrieval", bias, shape[1:])
    yield from _array_problems("item vectors", retrieval.items, (len(bundle.items.names), width))
    yield from _array_problems("golden vectors", retrieval.golden, (len(bundle.golden.ids), width))


def _task_problems(bundle: Bundle) -> Iterator[str]:
    """Laws of several labels: one model for all rows serves the first, and one that reads no gates each of the others."""
    if tuple(task.name for task in bundle.tasks) != tuple(bundle.schema.tasks):
        yield f"the labels answered must be those of schema.json, {', '.join(bundle.schema.tasks) or 'one'}, in their order"
    if not bundle.tasks:
        return
    if bundle.model_of_group != (0,) or any(model.gated for model in bundle.models):
        yield "a bundle with several labels must have one group, whose model is the first, and no gates"
    places = [task.model for task in bundle.tasks]
    if sorted({0, *places}) != list(range(len(bundle.models))) or 0 in places or len(set(places)) < len(places):
        yield f"each further label must have a model of its own among {len(bundle.models)}, behind the first, but they have {places}"
    for task in bundle.tasks:
        yield from _array_problems(f"golden logits of `{task.name}`", task.golden, bundle.golden.ids.shape[:1])
        yield from () if task.calibration is None else (f"of `{task.name}`, {one}" for one in task.calibration.problems())


def _schema_problems(bundle: Bundle) -> Iterator[str]:
    names = tuple(field.name for field in bundle.schema.fields)
    if names != bundle.encoder.layout.names:
        yield f"schema.json must name the encoder's fields {bundle.encoder.layout.names}, but names {names}"
    if bundle.schema.timestamps != bundle.encoder.timestamps:
        yield "schema.json must name the encoder's timestamps, but names others"


def _router_problems(router: Router) -> Iterator[str]:
    gates, layout, dim = router.gates, router.layout, router.dim
    size = layout.num_fields * dim
    yield from _array_problems("router table", router.table, (layout.num_rows, dim))
    yield from _array_problems("router centroids", router.centroids, (router.num_groups, size))
    yield from _array_problems("gate mean", gates.mean, (size,))
    yield from _array_problems("gate scale", gates.scale, (size,))
    if not (gates.scale > 0.0).all():
        yield "the gate scale must be above 0"
    yield from _gate_problems(gates, GateSize(layout.num_fields, dim))


def _gate_problems(gates: Gates, size: GateSize) -> Iterator[str]:
    """Kernels and biases must have the shapes that the form of gate says."""
    if gates.form not in GATE_FORMS:
        yield f"the gates' form must be one of {', '.join(GATE_FORMS)}, or be registered by `register_gate_form`, but is {gates.form!r}"
        return
    form = GATE_FORMS[gates.form]
    shapes = form.shapes(replace(size, hidden=form.hidden_units(gates.biases)))
    for what, arrays, expected in (("kernel", gates.kernels, shapes.kernels), ("bias", gates.biases, shapes.biases)):
        if len(arrays) != len(expected):
            yield f"gates of the form {gates.form!r} must have the shapes {expected} of each {what}, but have {len(arrays)} of them"
            continue
        for array, shape in zip(arrays, expected, strict=True):
            yield from _array_problems(f"gate {what}", array, shape)


def _group_problems(bundle: Bundle) -> Iterator[str]:
    groups, count = bundle.model_of_group, len(bundle.models)
    if len(groups) != bundle.router.num_groups or not groups or not all(0 <= model < count for model in groups):
        yield f"`path_of_group` must give one of {count} models for each of {bundle.router.num_groups} groups, but got {groups}"
    names = [model.name for model in bundle.models]
    if len(set(names)) != len(names):
        yield f"group models must have different names, but got {names}"


def _model_problems(model: ExportedModel, layout: FieldLayout, dim: int) -> Iterator[str]:
    if model.mask.shape != (layout.num_fields, dim) or model.mask.dtype != np.bool_:
        yield f"mask of model {model.name!r} must be bool {(layout.num_fields, dim)}, but is {model.mask.dtype} {model.mask.shape}"
        return
    if model.gated and not model.mask.all():
        yield f"model {model.name!r} reads the row's gates, so its mask must be all true"
    held = model.held
    if held.shape != model.mask.shape or held.dtype != np.bool_ or (model.mask & ~held).any():
        yield f"the table of model {model.name!r} must hold every dimension that the model reads, with a bool mask {model.mask.shape}"
        return
    length = int(np.asarray(layout.vocabulary_sizes) @ held.sum(axis=1))
    yield from _array_problems(f"table of model {model.name!r}", model.table, (length,))
    if model.first_order is not None:
        yield from _array_problems(f"first-order weights of model {model.name!r}", model.first_order, (layout.num_rows,))
    if model.two_sided is not None:
        yield from _two_sided_problems(model, model.two_sided)


def _two_sided_problems(model: ExportedModel, two_sided: TwoSided) -> Iterator[str]:
    if model.gated:
        yield f"model {model.name!r} reads the row's gates, so it cannot have two sides"
    if two_sided.bias.ndim != 1 or not len(two_sided.bias):
        yield f"bias of the two sides of model {model.name!r} must have one dimension, but has {two_sided.bias.shape}"
        return
    kept = int(model.mask.sum())
    yield from _array_problems(f"bias of the two sides of model {model.name!r}", two_sided.bias, two_sided.bias.shape)
    yield from _array_problems(f"kernel of the two sides of model {model.name!r}", two_sided.kernel, (kept, len(two_sided.bias)))


def _row_problems(bundle: Bundle) -> Iterator[str]:
    golden, layout = bundle.golden, bundle.encoder.layout
    rows = golden.ids.shape[:1]
    if not golden.ids.size:
        yield "golden rows must be there, for nothing else says that the bundle scores as it did, but there are none"
    yield from _id_problems("golden ids", golden.ids, layout, np.arange(layout.num_fields))
    yield from _array_problems("golden logits", golden.logits, rows)
    if golden.group.shape != rows or golden.group.dtype != np.int32:
        yield f"golden group must be int32 {rows}, but is {golden.group.dtype} {golden.group.shape}"


def _item_problems(bundle: Bundle) -> Iterator[str]:
    if (bundle.items is None) != (bundle.schema.item_id is None):
        yield "there must be an item table exactly where the schema names an item id"
    if bundle.items is None:
        return
    count = len(bundle.items.names)
    fields = np.array([position for position, field in enumerate(bundle.schema.fields) if field.role == "item"], np.int64)
    yield from _id_problems("item ids", bundle.items.ids, bundle.encoder.layout, fields)
    if len(set(bundle.items.names)) != count or bundle.items.ids.shape[:1] != (count,) or bundle.items.popularity.shape != (count,):
        yield f"the item table must have one row for each of {count} different names"
    for name, values in (bundle.items.values or {}).items():
        yield from _value_problems(f"item field {name!r}", values, count)


def _user_problems(bundle: Bundle) -> Iterator[str]:
    if (bundle.users is None) != (bundle.schema.user_id is None):
        yield "there must be a user table exactly where the schema names a user id"
    if bundle.users is None:
        return
    users, count, num_items = bundle.users, len(bundle.users.names), len(bundle.items.names) if bundle.items else 0
    if len(set(users.names)) != count or tuple(users.values) != bundle.schema.user:
        yield f"the user table must have {count} different names, and values of {', '.join(bundle.schema.user) or 'no field'}"
    for name, values in users.values.items():
        yield from _value_problems(f"user field {name!r}", values, count)
    if not _are_slices(users.offsets, users.items, count) or not _within(users.items, num_items):
        yield f"clicked items must be int32 positions of {num_items} items with int64 offsets, each user's after the one before"


def _value_problems(what: str, values: FieldValues, count: int) -> Iterator[str]:
    offsets, codes = values.offsets, values.codes
    if not _are_typed(offsets, codes, count):
        yield f"values of {what} must be int64 ({count + 1},) and int32, but are {offsets.dtype} {offsets.shape}, {codes.dtype}"
    elif not _are_slices(offsets, codes, count) or not _within(codes, len(values.texts)):
        yield f"values of {what} must lie within its {len(values.texts)} texts, each row's after the one before"


def _are_typed(offsets: np.ndarray, codes: np.ndarray, count: int) -> bool:
    return offsets.dtype == np.int64 and codes.dtype == np.int32 and offsets.shape == (count + 1,) and codes.ndim == 1


def _are_slices(offsets: np.ndarray, codes: np.ndarray, count: int) -> bool:
    """Whether offsets, int64 (count + 1,), divide codes, int32, into `count` slices, one after the other."""
    return _are_typed(offsets, codes, count) and offsets[0] == 0 and offsets[-1] == len(codes) and not (np.diff(offsets) < 0).any()


def _within(codes: np.ndarray, end: int) -> bool:
    return not codes.size or bool(codes.min() >= 0 and codes.max() < end)


def _id_problems(what: str, ids: np.ndarray, layout: FieldLayout, fields: np.ndarray) -> Iterator[str]:
    """Ids of some fields must lie within their field's rows; only a multi-valued field may have unused slots."""
    widths = np.asarray(layout.slots)[fields]
    first = np.repeat(layout.first_rows[fields], widths)
    end = first + np.repeat(np.asarray(layout.vocabulary_sizes)[fields], widths)
    if ids.dtype != np.int32 or ids.ndim != 2 or ids.shape[1] != len(first):
        yield f"{what} must be int32 (rows, {len(first)}), but are {ids.dtype} {ids.shape}"
        return
    unused = (ids == PADDING) & np.repeat(widths > 1, widths)
    if not (unused | ((ids >= first) & (ids < end))).all():
        yield f"{what} must lie within their field's table rows"


def _array_problems(what: str, array: np.ndarray, shape: tuple[int, ...]) -> Iterator[str]:
    if array.shape != shape or array.dtype != np.float32:
        yield f"{what} must be float32 {shape}, but is {array.dtype} {array.shape}"
    elif array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        yield f"{what} must hold finite numbers"
