"""What a refresh ends with: the better model as a bundle, what it found as `result.json`, a page as `report.html`."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ihas.bundle.archive import read_bundle
from ihas.bundle.copies import write_with_summary
from ihas.data.field_encoders import FIRST_VALUE
from ihas.data.grown_encoder import Start
from ihas.data.mapped import spans
from ihas.folders import write_whole
from ihas.metrics import auc_difference
from ihas.models.prediction import GroupedRows, predict_groups
from ihas.results.run_result import ClickMetrics, Refit, Refreshed, RunResult
from ihas.stages.base import BaseResult
from ihas.stages.evaluate.calibration import calibrate, calibration_result
from ihas.stages.evaluate.field_calibration import with_fields
from ihas.stages.evaluate.groups import group_results
from ihas.stages.evaluate.stage import REFRESHED, variant_results
from ihas.stages.evaluate.variants import Variant
from ihas.stages.evaluate.words import negatives_words, numbers_words
from ihas.stages.retrain import RetrainResult
from ihas.stages.retrieve.stage import RetrievalTowers
from ihas_pipelines.reports.report import write_report
from ihas_pipelines.runs.assemble import Choice, make_bundle, measured_candidates, summary_of
from ihas_pipelines.runs.budget import certify
from ihas_pipelines.runs.catalogue_ranking import measure_ranking
from ihas_pipelines.runs.folder import replace_bundle, stage_key
from ihas_pipelines.runs.frontier import frontier_points, write_frontier
from ihas_pipelines.runs.predecessor import Predecessor
from ihas_pipelines.runs.refit import Refits, refit_result, refit_variants, refit_words
from ihas_pipelines.runs.refresh_stages import Refresh, Sides, refreshed_base, refreshed_towers
from ihas_pipelines.runs.retrieval_metrics import measure_retrieval
from ihas_pipelines.runs.stages import wants_towers
from ihas_pipelines.runs.trained import Trained
from ihas_pipelines.runs.warm_model import WarmModel, grown_models, is_plain

BLOCK_ROWS = 1 << 18
MOSTLY_SILENT = 0.5


def assemble_refresh(run: Refresh, sides: Sides) -> RunResult:
    """Choose, and write `frontier/`, `bundle/`, `report.html` and `result.json`; the result.

    Raises:
        BudgetError: the model has outgrown the budget of the recipe.
    """
    recipe, folder, parts = run.recipe, run.folder, run.data.parts
    model, served = sides.better(parts.valid.labels)
    base = _base(run, served)
    towers = refreshed_towers(run, base)
    run.reporter.enter("evaluate", f"Writing the bundle of `{served.name}`")
    trained = _trained(run, model, base, towers)
    key = _keep(run, model, served, base)
    measured = measured_candidates(recipe, folder, trained, (base, served), key)
    refits = _refits(run, key, served) if recipe.learning.evaluate.refit else None
    if refits is not None:
        measured.put_in_place_of(served.name, lambda: make_bundle(recipe, trained, refits.served, base))
    variants = (sides.before[1], sides.refreshed[1])
    cost = measured.cost(served.name)
    results = variant_results(variants, parts, run.data.keys)
    points = frontier_points([one for one in results if one.name == served.name], served.name, measured.cost)
    result = _result(run, sides, model, Choice(served, refits)).model_copy(update={"frontier": points})
    bundle = read_bundle(measured.bundle(served.name))
    retrieval = measure_retrieval(bundle, parts.test, recipe.learning.seed)
    chosen = next(one for one in result.variants if one.name == served.name)
    certificates = certify(recipe.budget, chosen, time.monotonic() - run.began, cost)
    ranking = measure_ranking(bundle, run.data, recipe.learning.seed)
    words = result.verdict + numbers_words(result) + negatives_words(run.data.schema.negatives, ranking)
    changes = {"negatives": run.data.schema.negatives, "ranking": ranking, "verdict": words}
    result = result.model_copy(update={"certificates": certificates, "retrieval": retrieval} | changes)
    summaries = {served.name: summary_of(result)}
    known = write_frontier(folder.path, measured, summaries)
    replace_bundle(folder.path, lambda path: write_with_summary(measured.bundle(served.name), path, summaries[served.name], known))
    write_report(result, folder.path / "report.html")
    folder.name_stages()
    write_whole(folder.path / "result.json", result.model_dump_json(indent=1))
    return result


def _refits(run: Refresh, key: str, served: Variant) -> Refits | None:
    """The served model trained once more; where it is the model as it was, as that was trained once more in its own run."""
    if served.courses:
        return refit_variants(run.folder, key, run.data.parts, served, served)
    refit = run.earlier.refit
    if refit is None or not _is_as_it_was(run, served):
        return None

    def grown() -> tuple[Variant, ...]:
        models = tuple(grown_models(refit.models, run.growth, _start(served)))
        logits = predict_groups(models, GroupedRows.one_group(run.data.parts.test), refit.config)
        return (replace(served, models=models, test_logits=logits),)

    (made,) = run.folder.stage("refit", stage_key("refit before", key, run.earlier.identity), grown)
    return Refits(made, made)


def _is_as_it_was(run: Refresh, served: Variant) -> bool:
    """Whether no epoch was better than what the model learnt on from."""
    (was,) = grown_models(run.earlier.served.models, run.growth, _start(served))
    return np.array_equal(was.weights.table, served.models[0].weights.table)


def _start(served: Variant) -> Start:
    return "unknown" if served.name == REFRESHED[0] else "mean"


def _refit(run: Refresh, choice: Choice) -> Refit | None:
    """Metrics of the model that was trained once more; where that was in the run before, on the rows that it had there."""
    if choice.refits is None:
        return None
    before, found = run.earlier.result.refit, refit_result(choice.refits, run.data.parts)
    return found if choice.variant.courses or before is None else found.model_copy(update={"rows": before.rows})


def _base(run: Refresh, served: Variant) -> Variant:
    """The plain model of the run: what is served where that is one, else it learns on where something needs it."""
    learning, items = run.recipe.learning, run.data.items
    if is_plain(served):
        return replace(served, name="base")
    if run.earlier.own_groups and learning.evaluate.fallback:
        return refreshed_base(run)
    if items is not None and wants_towers(learning.retrieval, items):
        return refreshed_base(run)
    base, none = run.earlier.base, np.zeros(0, np.float32)
    return replace(base, models=tuple(grown_models(base.models, run.growth, "unknown")), valid_logits=none, test_logits=none)


def _trained(run: Refresh, model: WarmModel, base: Variant, towers: RetrievalTowers | None) -> Trained:
    """The model as what a search would have trained."""
    data, learnt = run.data, RetrainResult(model.models, ())
    outputs = (data, BaseResult(()), None, (), None, data.parts, model.found, model.grouping, learnt)
    return Trained(*outputs, base.config, model.config, taught=False, retrieval=towers)


def _keep(run: Refresh, model: WarmModel, served: Variant, base: Variant) -> str:
    """Keep what the next refresh of this folder starts from; the key of what follows."""
    key = run.stage_key(f"served-{served.name}")
    run.folder.stage("search", key, lambda: model.found)
    run.folder.stage("cluster", key, lambda: model.grouping)
    if "variant-base" not in run.folder.places:
        run.folder.stage("variant-base", key, lambda: base)
    return key


def _result(run: Refresh, sides: Sides, model: WarmModel, choice: Choice) -> RunResult:
    earlier, parts, served = run.earlier.result, run.data.parts, choice.variant
    variants = variant_results((sides.before[1], sides.refreshed[1]), parts, run.data.keys)
    method, fitted = calibrate(served.valid_logits, parts.valid.labels, run.recipe.learning.evaluate.calibration)
    grouped = len(served.models) > 1
    refresh = _refreshed(run, sides)
    changes = {
        "rows": {"train": len(parts.train), "valid": len(parts.valid), "test": len(parts.test)},
        "chosen": served.name,
        "variants": variants,
        "groups": group_results(parts, model.grouping, served, sides.before[1], run.data.encoder) if grouped else (),
        "group_counts": model.grouping.tried,
        "grouped_on": model.grouping.on,
        "grouped_by": "centroids" if model.grouping.sums is None else "additive",
        "router_agreement": model.grouping.agreement,
        "history": sides.history,
        "points": (),
        "seconds": {stage: round(value, 2) for stage, value in run.folder.seconds.items()},
        "calibration": with_fields(
            calibration_result(method, fitted, choice.test_logits, parts.test.labels),
            fitted,
            choice.test_logits,
            parts.test,
            run.data.encoder,
        ),
        "refit": _refit(run, choice),
        "kinds": (),
        "frontier": (),
        "certificates": (),
        "refresh": refresh,
    }
    result = earlier.model_copy(update={"name": run.recipe.name, **changes})
    known = sum(run.growth.old.vocabulary_sizes)
    return result.model_copy(update={"verdict": verdict(result, refresh, known)})


def _refreshed(run: Refresh, sides: Sides) -> Refreshed:
    earlier, labels = run.earlier, run.data.parts.valid.labels
    before = earlier.result.refresh
    items = run.data.items
    towers = items is not None and wants_towers(run.recipe.learning.retrieval, items)
    return Refreshed(
        model=before.model if before is not None else earlier.served.name,
        new_values=run.growth.new_values,
        silent_values=silent_values(run),
        groups="none" if sides.drift is None else "formed anew" if sides.regrouped else "kept",
        group_drift=sides.drift,
        retrieval="trained anew" if towers else "none",
        valid_gain=auc_difference(sides.refreshed[1].valid_logits, sides.before[1].valid_logits, labels),
        was=_was(earlier),
        epochs=len(sides.history),
        anew=bool(sides.refreshed[1].courses),
    )


def _was(earlier: Predecessor) -> ClickMetrics:
    return next(one.test for one in earlier.result.variants if one.name == earlier.served.name)


def silent_values(run: Refresh) -> dict[str, int]:
    """Known values of each field of which the new training rows have none; fields without any are left out."""
    layout, train = run.data.encoder.layout, run.data.parts.train
    seen = np.zeros(layout.num_rows, bool)
    for block in spans(len(train), BLOCK_ROWS):
        ids = train.ids[block]
        seen[ids[ids >= 0]] = True
    known = zip(run.data.encoder.fields, layout.first_rows.tolist(), run.growth.old.vocabulary_sizes, strict=True)
    silent = {field.name: int((~seen[first + FIRST_VALUE : first + size]).sum()) for field, first, size in known if field.kind != "numeric"}
    return {name: count for name, count in silent.items() if count}


def verdict(result: RunResult, refresh: Refreshed, known: int) -> str:
    """What a refresh did, in sentences for a person; `known` values were there before."""
    before, after = result.variants
    gain = refresh.valid_gain
    interval = f"{gain.difference:+.4f}, 95 % interval {gain.low:+.4f} to {gain.high:+.4f}"
    how = "learnt anew under the same settings" if refresh.anew else "learnt on from its own weights"
    learnt = f"`{refresh.model}` {how}, {refresh.epochs} epochs on {result.rows['train']:,} rows"
    if result.chosen != after.name:
        words = f"{learnt}, and is not served: it does not rank the newest rows better ({interval}). The model as it was goes on serving."
    elif gain.low == gain.high == 0.0:
        words = f"{learnt}, of which none ranked the validation rows better: its weights stayed as they were."
    else:
        words = f"{learnt}, and is served: validation AUC {interval}, against the model as it was."
    tests = f" On test rows: {_shown(after.test.auc)} against {_shown(before.test.auc)}."
    return words + tests + refit_words(result.refit) + _of_values(refresh, known) + _of_groups(refresh) + _after(refresh, known)


def _of_values(refresh: Refreshed, known: int) -> str:
    new, silent = sum(refresh.new_values.values()), sum(refresh.silent_values.values())
    words = f" {new:,} values are new." if new else ""
    old = f" {silent:,} of {known:,} known values no longer occur: a new search would drop them."
    return words + (old if silent > MOSTLY_SILENT * known else "")


def _after(refresh: Refreshed, known: int) -> str:
    """What to do next: search anew where values or groups are no longer those of the search, collect rows where nothing was learnt."""
    if refresh.groups == "formed anew" or sum(refresh.silent_values.values()) > MOSTLY_SILENT * known:
        return " Next: search anew on the newer rows (`ihas search`)."
    if refresh.valid_gain.low <= 0.0:
        return " Next: refresh again once there are more newer rows."
    return " Next: give it a share of the traffic before it serves all (`ihas model traffic`)."


def _of_groups(refresh: Refreshed) -> str:
    if refresh.group_drift is None:
        return ""
    drift = f"group drift {refresh.group_drift:.3f}"
    if refresh.groups == "kept":
        return f" Groups and masks were kept ({drift})."
    return f" Groups and masks were formed anew by the gates of the search, which was not repeated ({drift})."


def _shown(value: float | None) -> str:
    return "no AUC, one label only," if value is None else f"AUC {value:.4f}"
