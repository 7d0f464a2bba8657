"""The chosen variant as a bundle, the result as `result.json`, the report as `report.html`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ihas.bundle import values
from ihas.bundle.archive import read_bundle
from ihas.bundle.calibration import Calibration
from ihas.bundle.copies import write_with_summary
from ihas.bundle.reference import Reference
from ihas.bundle.values import Bundle, GoldenRows
from ihas.config.evaluate import CalibrationMethod
from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.data.storage import Ingested
from ihas.export.onnx_export import export_model, table_of
from ihas.folders import write_whole
from ihas.models.prediction import GroupModel
from ihas.results.frontier import slug, steps_up
from ihas.results.next_steps import next_step
from ihas.results.run_result import FrontierPoint, RunResult
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import AnyRouter, Router, embed, open_gates
from ihas.seeding import generator
from ihas.stages.evaluate.calibration import calibrate, calibration_result, served_calibration
from ihas.stages.evaluate.field_calibration import with_fields
from ihas.stages.evaluate.groups import group_results, plane
from ihas.stages.evaluate.stage import not_told_apart, variant_results
from ihas.stages.evaluate.tasks import calibrate_task, task_results
from ihas.stages.evaluate.variants import Variant
from ihas.stages.evaluate.words import given_up_words, negatives_words, numbers_words, verdict
from ihas.stages.retrieve.stage import RetrievalTowers, within_side
from ihas_pipelines.reports.plot_files import write_plots
from ihas_pipelines.reports.report import write_report
from ihas_pipelines.runs.budget import certify, choose_measured
from ihas_pipelines.runs.catalogue_ranking import measure_ranking
from ihas_pipelines.runs.folder import RunFolder, replace_bundle, stage_key
from ihas_pipelines.runs.frontier import MeasuredCandidates, frontier_points, write_frontier
from ihas_pipelines.runs.refit import Refits, refit_result, refit_variants, refit_words
from ihas_pipelines.runs.retrieval_metrics import measure_retrieval
from ihas_pipelines.runs.trained import Trained

GOLDEN_FROM, REFERENCE_ROWS = 10_000, 100_000
GOLDEN_MARGIN = 1e-4  # a row nearer to another route could take it on another processor


def assemble(recipe: Recipe, folder: RunFolder, trained: Trained, variants: tuple[Variant, ...], began: float, key: str) -> RunResult:
    """Compare, choose, and write `frontier/`, `bundle/`, `plots/`, `report.html` and `result.json`; the result.

    Args:
        recipe: what was asked for.
        folder: takes the files.
        trained: outputs of the stages.
        variants: all, the base first.
        began: when the run began, by `time.monotonic`.
        key: of the stages.

    Raises:
        BudgetError: nothing keeps within the recipe's budget.
    """
    parts = trained.data.parts
    measured = measured_candidates(recipe, folder, trained, variants, key)
    served, cost = choose_measured(variants, parts, recipe.budget, measured.cost)
    refits = refit_variants(folder, key, parts, served, variants[0]) if recipe.learning.evaluate.refit else None
    if refits is not None:
        measured.put_in_place_of(served.name, lambda: make_bundle(recipe, trained, refits.served, variants[0]))
    points = frontier_points(variant_results(variants, parts, trained.data.keys), served.name, measured.cost)
    result = summarise(recipe.name, trained, variants, Choice(served, refits), points, folder.seconds)
    chosen = next(one for one in result.variants if one.name == result.chosen)
    bundle = read_bundle(measured.bundle(served.name))
    figures = measure_retrieval(bundle, parts.test, recipe.learning.seed)
    certificates = certify(recipe.budget, chosen, time.monotonic() - began, cost)
    ranking = measure_ranking(bundle, trained.data, recipe.learning.seed)
    words = result.verdict + numbers_words(result) + negatives_words(result.negatives, ranking)
    result = result.model_copy(update={"certificates": certificates, "retrieval": figures, "ranking": ranking, "verdict": words})
    summaries = {point.name: summary_of(_of_point(result, point.name, trained, variants)) for point in points}
    known = write_frontier(folder.path, measured, summaries)
    source = measured.bundle(served.name)
    replace_bundle(folder.path, lambda path: write_with_summary(source, path, summaries[served.name], known))
    write_report(result, folder.path / "report.html")
    write_plots(result, folder.path)
    folder.name_stages()
    write_whole(folder.path / "result.json", result.model_dump_json(indent=1))
    return result


@dataclass(frozen=True)
class Choice:
    """What is served.

    Attributes:
        variant: the one that validation rows, or a person, chose.
        refits: the same after it learnt from validation rows too; None where it did not.
    """

    variant: Variant
    refits: Refits | None = None

    @property
    def test_logits(self) -> np.ndarray:
        """Answers of what is served: float32 (test rows,)."""
        return self.served.test_logits

    @property
    def served(self) -> Variant:
        """What is served."""
        return self.variant if self.refits is None else self.refits.served


def measured_candidates(recipe: Recipe, folder: RunFolder, trained: Trained, variants: tuple[Variant, ...], key: str) -> MeasuredCandidates:
    """The variants as bundles of the run folder, exported and measured where they are asked for."""
    named, learning = {variant.name: variant for variant in variants}, recipe.learning
    settings = [recipe.name, learning.evaluate.model_dump(mode="json", exclude={"refit"}), learning.retrieval.model_dump(mode="json")]
    own_key = stage_key("bundles", key, settings)

    def make(name: str) -> Bundle:
        return make_bundle(recipe, trained, named[name], variants[0])

    return MeasuredCandidates(folder, own_key, make, recipe.budget.candidates)


def summarise(
    name: str,
    trained: Trained,
    variants: tuple[Variant, ...],
    choice: Choice,
    points: tuple[FrontierPoint, ...],
    seconds: Mapping[str, float],
) -> RunResult:
    """Metrics of every variant and group, and the choice in words."""
    data, parts, grouping, learning = trained.data, trained.data.parts, trained.instances, trained.learning
    table = table_of(trained.found.weights, learning.training.embedding_dim)
    result = RunResult(
        name=name,
        rows={"train": len(parts.train), "valid": len(parts.valid), "test": len(parts.test)},
        fields=parts.train.layout.names,
        roles=tuple(field.role for field in data.schema.fields),
        dim=learning.training.embedding_dim,
        chosen=choice.variant.name,
        verdict="",
        variants=variant_results(variants, parts, data.keys),
        groups=(),
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
        label_range=data.schema.numbers,
        negatives=data.schema.negatives,
        seconds={stage: round(value, 2) for stage, value in seconds.items()},
        learning=trained.plain,
        kinds=trained.kinds.trials if trained.kinds else (),
        given_up=trained.given_up,
        frontier=points,
    )
    return _serving(result, choice, trained, variants)


def _serving(result: RunResult, choice: Choice, trained: Trained, variants: tuple[Variant, ...]) -> RunResult:
    """The result with this variant as the chosen one: verdict, groups and calibration."""
    data, grouping, served, refits = trained.data, trained.instances, choice.variant, choice.refits
    parts = data.parts
    refit = None if refits is None else refit_result(refits, parts)
    chosen, base = (next(one for one in result.variants if one.name == name) for name in (served.name, variants[0].name))
    method, fitted = _calibrated(trained, served)
    words = verdict(chosen, base, grouping.masks[0].size, not_told_apart(served, variants, parts), result.variants)
    after = next_step(chosen, base, result.variants, result.history, result.learning.training.epochs)
    changes = {
        "chosen": served.name,
        "verdict": f"{words}{refit_words(refit)}{given_up_words(result.given_up)}{steps_up(result.frontier, served.name)} {after}".rstrip(),
        "groups": group_results(parts, grouping, served, variants[0], trained.data.encoder),
        "calibration": with_fields(
            calibration_result(method, fitted, choice.test_logits, parts.test.labels),
            fitted,
            choice.test_logits,
            parts.test,
            trained.data.encoder,
        ),
        "refit": refit,
        "tasks": task_results(data.schema, parts, served, choice.served, trained.learning.evaluate.calibration),
    }
    return result.model_copy(update=changes)


def _of_point(result: RunResult, name: str, trained: Trained, variants: tuple[Variant, ...]) -> RunResult:
    """What the bundle of a point says of the run, once it was chosen by a person; retrieval and budget are of the run's own choice."""
    if name == result.chosen:
        return result
    served = next(variant for variant in variants if variant.name == name)
    found = _serving(result, Choice(served), trained, variants)
    words = f"`{name}` was chosen from the frontier of a search that itself chose `{result.chosen}`."
    words = f"{words}{steps_up(result.frontier, name)}{numbers_words(found)}"
    return found.model_copy(update={"verdict": words, "certificates": (), "retrieval": None, "ranking": None})


def make_bundle(recipe: Recipe, trained: Trained, chosen: Variant, base: Variant) -> Bundle:
    """A variant, ready to serve, its summary empty; beside groups' models the base as their fallback, where the recipe wants that."""
    data, learning = trained.data, trained.learning
    router, paths, path_of_group = _routing(trained, chosen, learning)
    golden, rows = _golden(data.parts.test, chosen, router, learning)
    fallback, grouped = None, len(set(path_of_group)) > 1
    if grouped and recipe.learning.evaluate.fallback:
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
        summary={},
        retrieval=None if trained.retrieval is None else _retrieval(data, trained.retrieval, golden),
        fallback=fallback,
        calibration=served_calibration(_calibrated(trained, chosen)[1], data.schema.negatives_kept),
        tasks=tuple(_task(name, number, trained, chosen, rows) for number, name in enumerate(data.schema.tasks, start=1)),
        reference=Reference.of(router, _some(data.parts.train.ids)) if grouped or chosen.gated else None,
        users=data.users,
    )


def _task(name: str, number: int, trained: Trained, chosen: Variant, rows: np.ndarray) -> values.Task:
    """A further label, the first of them number 1, with its answers for golden rows, int (n,) of the test rows."""
    _, calibration = calibrate_task(chosen, trained.data.parts.valid, number, trained.learning.evaluate.calibration)
    return values.Task(name, number, chosen.test_tasks[number - 1][rows].astype(np.float32), calibration)


def _task_models(chosen: Variant, first: values.ExportedModel, layout: FieldLayout) -> tuple[values.ExportedModel, ...]:
    """The models of further labels, which share the first one's table."""
    numbers = range(1, 1 + len(chosen.heads))
    models = (export_model(f"task-{number}", chosen.of_task(number), layout, chosen.config) for number in numbers)
    return tuple(replace(model, table=first.table) for model in models)


def _calibrated(trained: Trained, served: Variant) -> tuple[CalibrationMethod, Calibration | None]:
    return calibrate(served.valid_logits, trained.data.parts.valid.labels, trained.learning.evaluate.calibration)


def _routing(
    trained: Trained, chosen: Variant, config: LearningConfig
) -> tuple[AnyRouter, tuple[values.ExportedModel, ...], tuple[int, ...]]:
    layout, grouping, dim = trained.data.parts.train.layout, trained.grouping, config.training.embedding_dim
    router = Router(layout, table_of(trained.found.weights, dim), trained.found.gates, grouping.centroids, grouping.on, grouping.sums)
    if chosen.gated:
        path = export_model("supernet", chosen.models[0], layout, config, gated=True)
        return router, (path,), (0,) * grouping.num_groups
    if len(chosen.models) == 1:
        path = export_model(slug(chosen.name), chosen.models[0], layout, chosen.config)
        own = table_of(chosen.models[0].weights, chosen.config.training.embedding_dim)  # as wide as the mask; stored once with the model's
        return unrouted(replace(router, table=own)), (path, *_task_models(chosen, path, layout)), (0,)
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


def summary_of(result: RunResult) -> dict[str, Any]:
    """What a bundle says of the run."""
    return result.model_dump(mode="json", exclude={"points", "history"})


def _retrieval(data: Ingested, towers: RetrievalTowers, golden: GoldenRows) -> values.Retrieval:
    query, encoder = towers.tower(data.encoder), data.encoder
    contexts = within_side(encoder, golden.ids[:, encoder.slots_of("context")], "context")
    return values.Retrieval(query, towers.items, query.vectors(contexts).astype(np.float32))


def unrouted(router: Router) -> Router:
    """A router with one group and every gate open, for a variant that serves all rows alike."""
    fields, dim = router.layout.num_fields, router.dim
    return Router(router.layout, router.table, open_gates(fields, dim), np.zeros((1, fields * dim), np.float32))


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
