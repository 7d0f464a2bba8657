"""The chosen variant as a bundle, the result as `result.json`, the report as `report.html`."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from ihas.bundle import values
from ihas.bundle.archive import write_bundle
from ihas.bundle.calibration import Calibration
from ihas.bundle.reference import Reference
from ihas.bundle.values import Bundle, GoldenRows
from ihas.config.evaluate import CalibrationMethod
from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.data.storage import Ingested
from ihas.export.onnx_export import export_model, table_of
from ihas.folders import write_whole
from ihas.models.prediction import GroupModel
from ihas.results.run_result import RunResult
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import AnyRouter, Gates, Router, embed
from ihas.seeding import generator
from ihas.stages.evaluate.calibration import calibrate, calibration_result
from ihas.stages.evaluate.groups import group_results, plane
from ihas.stages.evaluate.stage import not_told_apart, variant_results, verdict
from ihas.stages.evaluate.variants import Variant
from ihas.stages.retrieve.stage import RetrievalTowers, within_side
from pipelines.reports.plot_files import write_plots
from pipelines.reports.report import write_report
from pipelines.runs.budget import certify, choose_within, p99_ms
from pipelines.runs.folder import RunFolder, replace_bundle
from pipelines.runs.retrieval_metrics import measure_retrieval
from pipelines.runs.trained import Trained

GOLDEN_FROM, REFERENCE_ROWS = 10_000, 100_000
GOLDEN_MARGIN = 1e-4  # a row nearer to another route could take it on another processor


def assemble(recipe: Recipe, folder: RunFolder, trained: Trained, variants: tuple[Variant, ...], began: float) -> RunResult:
    """Compare, choose, and write `bundle/`, `plots/`, `report.html` and `result.json`; the result.

    Args:
        recipe: what was asked for.
        folder: takes the files.
        trained: outputs of the stages.
        variants: all, the base first.
        began: when the run began, by `time.monotonic`.

    Raises:
        BudgetError: nothing keeps within the recipe's budget.
    """
    result, bundle = _within_budget(recipe, trained, variants, folder.seconds, began)
    figures = measure_retrieval(bundle, trained.data.parts.test, recipe.learning.seed)
    result = result.model_copy(update={"retrieval": figures})
    bundle = replace(bundle, summary=_summary(result))
    replace_bundle(folder.path, lambda path: write_bundle(bundle, path))
    write_report(result, folder.path / "report.html")
    write_plots(result, folder.path)
    write_whole(folder.path / "result.json", result.model_dump_json(indent=1))
    return result


def _within_budget(
    recipe: Recipe, trained: Trained, variants: tuple[Variant, ...], seconds: dict[str, float], began: float
) -> tuple[RunResult, Bundle]:
    """The choice and its bundle; a variant that is too slow gives way to the next."""
    slow: list[str] = []
    while True:
        result = summarise(recipe, trained, variants, seconds, slow)
        chosen = next(variant for variant in variants if variant.name == result.chosen)
        bundle = make_bundle(recipe, trained, chosen, result, variants[0])
        p99 = None if recipe.budget.p99_ms is None else p99_ms(bundle)
        if p99 is None or recipe.budget.p99_ms is None or p99 <= recipe.budget.p99_ms:
            figures = next(one for one in result.variants if one.name == result.chosen)
            certificates = certify(recipe.budget, figures, time.monotonic() - began, p99)
            return result.model_copy(update={"certificates": certificates}), bundle
        slow.append(result.chosen)


def summarise(
    recipe: Recipe, trained: Trained, variants: tuple[Variant, ...], seconds: dict[str, float], slow: Collection[str] = ()
) -> RunResult:
    """Metrics of every variant and group, and the choice in words; variants in `slow` are not chosen."""
    data, parts, grouping, learning = trained.data, trained.data.parts, trained.instances, trained.learning
    results = variant_results(variants, parts)
    served = choose_within(variants, parts, recipe.budget, slow)
    chosen = next(result for result in results if result.name == served.name)
    table = table_of(trained.found.weights, learning.training.embedding_dim)
    return RunResult(
        name=recipe.name,
        rows={"train": len(parts.train), "valid": len(parts.valid), "test": len(parts.test)},
        fields=parts.train.layout.names,
        roles=tuple(field.role for field in data.schema.fields),
        dim=learning.training.embedding_dim,
        chosen=chosen.name,
        verdict=verdict(chosen, results[0], grouping.masks[0].size, not_told_apart(served, variants, parts)),
        variants=results,
        groups=group_results(parts, grouping, served, variants[0], data.encoder),
        diversity=trained.found.diversity,
        group_counts=grouping.tried,
        grouped_on=grouping.on,
        grouped_by="centroids" if grouping.sums is None else "additive",
        router_agreement=grouping.agreement,
        history=(
            *trained.base.history,
            *(trained.distilled.history if trained.distilled else ()),
            *trained.found.history,
            *trained.retrained.history,
        ),
        points=plane(parts.train, grouping, table, trained.found.gates, generator(learning.seed, "plane")),
        seconds={stage: round(value, 2) for stage, value in seconds.items()},
        learning=trained.plain,
        calibration=calibration_result(*_calibrated(recipe, served, parts), served.test_logits, parts.test.labels),
    )


def make_bundle(recipe: Recipe, trained: Trained, chosen: Variant, result: RunResult, base: Variant) -> Bundle:
    """The chosen variant, ready to serve; beside groups' models the base as their fallback, where the recipe wants that."""
    data, learning = trained.data, trained.learning
    router, paths, path_of_group = _routing(trained, chosen, learning)
    golden, rows = _golden(data.parts.test, chosen, router, learning)
    fallback = None
    if len(paths) > 1 and recipe.learning.evaluate.fallback:
        fallback = values.Fallback(len(paths), base.test_logits[rows].astype(np.float32))
        paths += (export_model("fallback", base.models[0], data.parts.train.layout, trained.plain),)
    return Bundle(
        name=recipe.name,
        schema=data.schema,
        encoder=data.encoder,
        router=router,
        models=paths,
        model_of_group=path_of_group,
        items=data.items,
        golden=golden,
        summary=_summary(result),
        retrieval=None if trained.retrieval is None else _retrieval(data, trained.retrieval, golden),
        fallback=fallback,
        calibration=_calibrated(recipe, chosen, data.parts)[1],
        reference=Reference.of(router, _some(data.parts.train.ids)) if len(paths) > 1 or chosen.gated else None,
    )


def _calibrated(recipe: Recipe, chosen: Variant, parts: Splits) -> tuple[CalibrationMethod, Calibration | None]:
    return calibrate(chosen.valid_logits, parts.valid.labels, recipe.learning.evaluate.calibration)


def _routing(
    trained: Trained, chosen: Variant, config: LearningConfig
) -> tuple[AnyRouter, tuple[values.ExportedModel, ...], tuple[int, ...]]:
    layout, grouping, dim = trained.data.parts.train.layout, trained.grouping, config.training.embedding_dim
    router = Router(layout, table_of(trained.found.weights, dim), trained.found.gates, grouping.centroids, grouping.on, grouping.sums)
    if chosen.gated:
        path = export_model("supernet", chosen.models[0], layout, config, gated=True)
        return router, (path,), (0,) * grouping.num_groups
    if len(chosen.models) == 1:
        path = export_model(chosen.name, chosen.models[0], layout, chosen.config)
        return unrouted(router), (path,), (0,)
    paths = tuple(_group_path(group, chosen.models, layout, config) for group in range(len(chosen.models)))
    return router if grouping.sums is None else grouping.sums, paths, tuple(range(len(paths)))


def _group_path(group: int, models: tuple[GroupModel, ...], layout: FieldLayout, config: LearningConfig) -> values.ExportedModel:
    """A group's model; groups whose model is one share its table, which holds what any of them keeps."""
    model = models[group]
    sharing = [other.mask for other in models if other.name == model.name]
    name = f"{model.name}-for-group-{group}" if model.name == "shared" else model.name
    return export_model(name, model, layout, config, held=np.logical_or.reduce(sharing) if len(sharing) > 1 else None)


def _some(ids: np.ndarray) -> np.ndarray:
    """At most `REFERENCE_ROWS` rows, spread evenly."""
    return np.ascontiguousarray(ids[:: -(-len(ids) // REFERENCE_ROWS)])


def _summary(result: RunResult) -> dict[str, Any]:
    return result.model_dump(mode="json", exclude={"points", "history"})


def _retrieval(data: Ingested, towers: RetrievalTowers, golden: GoldenRows) -> values.Retrieval:
    query, encoder = towers.tower(data.encoder), data.encoder
    contexts = within_side(encoder, golden.ids[:, encoder.slots_of("context")], "context")
    return values.Retrieval(query, towers.items, query.vectors(contexts).astype(np.float32))


def unrouted(router: Router) -> Router:
    """A router with one group and every gate open, for a variant that serves all rows alike."""
    fields, dim = router.layout.num_fields, router.dim
    width = fields * dim
    gates = Gates(
        form="field",
        mean=np.zeros(width, np.float32),
        scale=np.ones(width, np.float32),
        kernels=(np.zeros((fields, dim, dim), np.float32),),
        biases=(np.ones(width, np.float32),),
    )
    return Router(router.layout, router.table, gates, np.zeros((1, width), np.float32))


def _golden(test: Dataset, chosen: Variant, router: AnyRouter, config: LearningConfig) -> tuple[GoldenRows, np.ndarray]:
    """Golden rows, and which test rows they are."""
    ids = np.ascontiguousarray(test.ids[:GOLDEN_FROM])
    margins = routing_margins(ids, router)
    decided = np.flatnonzero(margins > GOLDEN_MARGIN)[: config.evaluate.num_golden_rows]
    rows = decided if len(decided) else np.array([margins.argmax()])
    return GoldenRows(ids=ids[rows], group=router.route(ids[rows]).group, logits=chosen.test_logits[rows].copy()), rows


def routing_margins(ids: np.ndarray, router: AnyRouter) -> np.ndarray:
    """How near each row comes to another route: its least gate logit, or the gap between its two nearest groups; float32 (rows,).

    Sums are whole numbers, which every processor adds up alike: no row of theirs comes near.
    """
    if isinstance(router, AdditiveRouter):
        return np.full(len(ids), np.inf, np.float32)
    gates = np.abs(router.gates.logits(embed(ids, router.table, router.layout))).min(axis=1)
    if router.num_groups == 1 or router.sums is not None:
        return np.asarray(gates)
    nearest_two = np.partition(router.route(ids).distances, 1, axis=1)[:, :2]
    return np.asarray(np.minimum(gates, nearest_two[:, 1] - nearest_two[:, 0]))
