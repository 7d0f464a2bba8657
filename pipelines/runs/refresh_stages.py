"""The stages of a refresh: a finished run carried on with newer rows, without a search.

    reading     the newer table by the first one's columns; its encoder grows
    refreshed   the model over the grown vocabulary, new ids at their field's mean, learns on for a few epochs; one for all rows also anew
    before      the same model, new values unknown to it, answers as it did
    evaluate    the one of higher validation AUC is served: calibrated anew, with golden rows and reference of the newer rows

Every stage is kept in the run folder, as those of a search are: a refresh that was killed goes on where it was. The folder can be refreshed
in its turn. Source: our choice (decision 73).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ihas.config.data import DataConfig
from ihas.config.recipe import Recipe
from ihas.data.grown_encoder import Growth
from ihas.data.places import contents_of
from ihas.data.reingest import Earlier, ingest_newer
from ihas.data.storage import Ingested, load_ingested
from ihas.metrics import auc
from ihas.models.prediction import GroupModel
from ihas.results.run_result import EpochMetrics
from ihas.routing.grouping import PartGroups
from ihas.stages.evaluate.variants import Variant
from ihas.stages.retrieve.ranker import Ranker
from ihas.stages.retrieve.stage import RetrievalTowers, Retrieving, learn_retrieval
from ihas.stages.warm import Warming, WarmStart
from ihas_pipelines.runs.data_key import joined_contents, reading_settings
from ihas_pipelines.runs.folder import RunFolder, stage_key
from ihas_pipelines.runs.predecessor import Predecessor
from ihas_pipelines.runs.progress import StageName
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.stages import wants_towers
from ihas_pipelines.runs.threads import threads
from ihas_pipelines.runs.warm_model import WarmModel, formed_anew, group_drift, grown_model, grown_models

SHARES = {"reading": 0.2, "refreshed": 0.5, "before": 0.05, "base": 0.05, "retrieve": 0.1, "evaluate": 0.1}
SHOWN_AS: dict[str, StageName] = {"refreshed": "retrain", "before": "retrain", "retrieve": "retrain"}


@dataclass(frozen=True)
class Sides:
    """What a refresh compares.

    Attributes:
        drift: group drift; None without groups.
        grouped: what became of the groups.
        before, refreshed: the models, and how they serve.
        history: epochs of the one that learnt on.
    """

    drift: float | None
    regrouped: bool
    before: tuple[WarmModel, Variant]
    refreshed: tuple[WarmModel, Variant]
    history: tuple[EpochMetrics, ...]

    def better(self, labels: np.ndarray) -> tuple[WarmModel, Variant]:
        """The one of higher AUC on validation rows with these labels, float32 (rows,); of equals the one that learnt on."""
        old, new = (auc(variant.valid_logits, labels) or 0.0 for _, variant in (self.before, self.refreshed))
        return self.refreshed if new >= old else self.before


@dataclass
class Refresh:
    """A refresh under way; stages leave their output here."""

    asked: RefreshRequest
    earlier: Predecessor
    recipe: Recipe
    folder: RunFolder
    reporter: Reporter
    began: float = field(default_factory=time.monotonic)
    key: str = ""
    data: Ingested = field(init=False)
    growth: Growth = field(init=False)

    def stage_key(self, name: str) -> str:
        """Key of a stage that follows from the table and the settings alone."""
        return stage_key(name, self.key, [self.asked.settings.model_dump(mode="json"), threads(self.recipe.run)])

    def warming(self, model: WarmModel) -> Warming:
        """The training of a model."""
        return Warming(self.data.parts, model.config, self.asked.settings)


def refreshed_recipe(recipe: Recipe, data: DataConfig) -> Recipe:
    """The recipe of the run, on the newer table; validation and test rows come from that table too."""
    kept = {"columns": recipe.data.columns, "joined": data.joined or recipe.data.joined}
    newer = data.model_copy(update={"valid_path": None, "test_path": None, **kept})
    return recipe.model_copy(update={"data": newer})


def read_newer(run: Refresh) -> None:
    """Read the newer table and let the encoder grow."""
    data, earlier = run.recipe.data, run.earlier
    run.reporter.enter("reading", f"Reading {data.path.name}")
    settings = {
        "files": [found for path in data.paths if (found := contents_of(path, data.format))] + list(joined_contents(data).values()),
        "data": reading_settings(data) | {"valid_path": None, "test_path": None},
    }
    run.key = stage_key("data", earlier.identity, settings)
    newer = partial(ingest_newer, data, Earlier(earlier.data, earlier.recipe.learning))
    run.data = run.folder.stage_folder(
        "data", run.key, lambda folder: _discard(newer(folder / "encoded")), lambda folder: load_ingested(folder / "encoded")
    )
    run.growth = Growth.between(earlier.data.encoder.layout, run.data.encoder.layout)
    rows = {name: len(getattr(run.data.parts, name)) for name in ("train", "valid", "test")}
    new = sum(run.growth.new_values.values())
    run.reporter.say(f"{rows['train']:,} training, {rows['valid']:,} validation and {rows['test']:,} test rows; {new:,} new values")


def _discard(_: Ingested) -> None:
    """What was written is read again from its folder."""


def make_sides(run: Refresh) -> Sides:
    """The model that learnt on, and the model as it was."""
    earlier, parts = run.earlier, run.data.parts
    start = grown_model(earlier, run.growth, parts, "mean")
    drift = group_drift(earlier, start) if earlier.own_groups else None
    anew = drift is not None and drift > run.asked.settings.regroup_above
    run.reporter.enter("refreshed", "Learning on from the model's own weights" + (", in groups formed anew" if anew else ""))
    if anew:
        formed = run.folder.stage("groups", run.stage_key("groups"), lambda: _grouping_and_models(formed_anew(start, parts)))
        start = replace(start, grouping=formed[0], models=formed[1])
    warm: WarmStart = run.folder.stage("warm", run.stage_key("warm"), lambda: _learn_on(run, start))
    refreshed = replace(start, models=warm.models)
    if warm.gates is not None:
        found = replace(start.found, weights=warm.models[0].weights, gates=warm.gates)
        refreshed = replace(refreshed, found=found)
    run.reporter.enter("before", "Comparing with the model as it was")
    before = grown_model(earlier, run.growth, parts, "unknown")
    model, variant = _as_variant(run, "refreshed", refreshed)
    return Sides(drift, anew, _as_variant(run, "before", before), (model, replace(variant, courses=warm.courses)), warm.history)


def _grouping_and_models(model: WarmModel) -> tuple[object, tuple[GroupModel, ...]]:
    return model.grouping, model.models


def _learn_on(run: Refresh, start: WarmModel) -> WarmStart:
    warming = run.warming(start)
    if start.gated:
        return warming.learn_on_gated(start.models[0], start.found.gates, run.reporter.epoch)
    if len(start.models) == 1:
        return warming.learn_on_or_anew(start.models[0], run.reporter.epoch)
    return warming.learn_on(start.models, start.grouping.groups, run.reporter.epoch)


def _as_variant(run: Refresh, name: str, model: WarmModel) -> tuple[WarmModel, Variant]:
    made = run.folder.stage(
        f"variant-{name}", run.stage_key(f"variant-{name}"), lambda: model.variant(name, run.earlier.served, run.data.parts)
    )
    return model, made


def refreshed_base(run: Refresh) -> Variant:
    """The plain model, which learns on as well: what serves a group whose own model fails, and what retrieval learns from."""
    earlier = run.earlier
    run.reporter.enter("base", "The plain model learns on")

    def make() -> Variant:
        config = earlier.base.config
        warming = Warming(run.data.parts, config, run.asked.settings)
        models = tuple(grown_models(earlier.base.models, run.growth, "mean"))
        warm = warming.learn_on(models, PartGroups.without_rows(), run.reporter.epoch)
        side = WarmModel(warm.models, config, False, earlier.found, earlier.grouping)
        return side.variant("base", earlier.base, run.data.parts)

    made: Variant = run.folder.stage("variant-base", run.stage_key("variant-base"), make)
    return made


def refreshed_towers(run: Refresh, base: Variant) -> RetrievalTowers | None:
    """Retrieval towers, trained anew on the newer rows and on the plain model; None where all items are scored."""
    items, learning = run.data.items, run.recipe.learning
    if items is None or not wants_towers(learning.retrieval, items):
        return None
    run.reporter.enter("retrieve", "Training the retrieval towers")
    ranker = Ranker(base.models[0].weights, base.config, run.data.encoder, items.ids)
    retrieving = Retrieving(run.data.encoder, items, run.data.parts.train, run.data.parts.valid, learning, ranker)
    towers: RetrievalTowers = run.folder.stage("retrieve", run.stage_key("retrieve"), lambda: learn_retrieval(retrieving, lambda *_: None))
    return towers
