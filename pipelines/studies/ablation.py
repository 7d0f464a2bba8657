"""`ihas study ablation --plan FILE --folder FOLDER`: a transformer's recipe with one part of it changed at a time.

Every change is trained under the same seeds as the recipe itself and compared with it seed by seed. `ablation.json` and `ablation.md` in
the folder are renewed after every run; a run of the same data and settings is not carried out again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from ihas.config.base import Config
from ihas.config.transformer import TransformerLearning, TransformerRecipe
from ihas.errors import ConfigError
from ihas.folders import files_digest, write_whole
from ihas.sequential.data.ranking import RankingMetrics
from ihas.sequential.data.sequences import LeaveOneOut, leave_one_out
from ihas_pipelines.kinds.recipe_file import read_of_kind
from ihas_pipelines.runs.folder import read_kept, value_digest
from ihas_pipelines.runs.measures import paired_interval
from ihas_pipelines.studies.plan_file import beside, document_of

WHOLE = "the recipe"
ABSENT = "none"
Say = Callable[[str], None]


class Change(Config):
    """What one change is made of; `"none"` stands for a setting that is absent, which TOML cannot say."""

    transformer: dict[str, Any] = {}
    """Sizes and dropout that differ."""
    training: dict[str, Any] = {}
    """Training settings that differ."""

    def of(self, learning: TransformerLearning) -> TransformerLearning:
        """The recipe's settings, changed.

        Raises:
            ConfigError: a setting is invalid.
        """
        changed = {name: {**dict(getattr(learning, name)), **_absent(getattr(self, name))} for name in ("transformer", "training")}
        try:
            return TransformerLearning.model_validate(changed)
        except ValidationError as error:
            raise ConfigError(
                f"A change must leave valid settings, but {self.model_dump(exclude_defaults=True)} does not: {error}"
            ) from error


class AblationPlan(Config):
    """What is changed, one at a time."""

    recipe: Path
    """Recipe of the kind `transformer`."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=2)] = (0, 1, 2, 3, 4)
    """Seeds of every run."""
    changes: Annotated[dict[str, Change], Field(min_length=1)]
    """Changes by their names in the table."""

    @model_validator(mode="after")
    def _every_change_is_one(self) -> Self:
        for change in self.changes.values():
            change.of(TransformerLearning())
        return self


class AblationRun(Config):
    """One training."""

    change: str
    """Name of the change, or `the recipe`."""
    seed: int
    """Seed."""
    settings: str
    """Digest of the data and of all settings."""
    test: RankingMetrics
    """Test metrics under full ranking."""
    loss: float
    """Cross-entropy of the test items over all items, in nats."""
    epochs: int
    """Epochs trained."""
    seconds: float
    """Wall time of the training."""


METRICS: tuple[Callable[[AblationRun], float], ...] = (
    lambda run: run.test.ndcg[10],
    lambda run: run.test.hit_rate[10],
    lambda run: run.loss,
)


class Ablation(Config):
    """All runs of a plan."""

    runs: tuple[AblationRun, ...]
    """Runs, seed by seed."""


def recipe_of(plan: AblationPlan) -> TransformerRecipe:
    """The recipe that a plan changes.

    Raises:
        ConfigError: it cannot be read, or is of another kind.
    """
    return read_of_kind(plan.recipe, TransformerRecipe)


def read_plan(path: Path) -> AblationPlan:
    """Read a plan from TOML; the recipe's path starts at its folder.

    Raises:
        ConfigError: no such file, not TOML, or a setting is invalid.
    """
    with document_of(path, "plan") as document:
        if "recipe" in document:
            document["recipe"] = beside(path, document["recipe"])
        return AblationPlan.model_validate(document)


def carry_out(plan: AblationPlan, recipe: TransformerRecipe, folder: Path, say: Say) -> Ablation:
    """Train what the folder does not hold, seed by seed, so that what is there can be compared.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    from ihas.data.places import files_of
    from ihas.sequential.data.reading import read_sequences

    folder.mkdir(parents=True, exist_ok=True)
    known = folder / "ablation.json"
    kept = {run.settings: run for run in (read_kept(known, Ablation).runs if known.exists() else ())}
    arms = {WHOLE: recipe.learning, **{name: change.of(recipe.learning) for name, change in plan.changes.items()}}
    settings = recipe.data.model_dump(mode="json", exclude={"path", "appended"})
    reading = [files_digest(files_of(recipe.data.paths, recipe.data.format)), settings, recipe.run.num_threads]
    data, runs = read_sequences(recipe.data), list[AblationRun]()
    parts = leave_one_out(data.sequences)
    for seed in plan.seeds:
        for name, learning in arms.items():
            seeded = learning.model_copy(update={"training": learning.training.model_copy(update={"seed": seed})})
            digest = value_digest([reading, seeded.model_dump(mode="json")])
            found = kept.get(digest) or train(parts, data.num_items, seeded, name, digest)
            runs.append(found.model_copy(update={"change": name}))
            done = {run.settings for run in runs}
            others = [run for run in kept.values() if run.settings not in done]
            write_whole(known, Ablation(runs=(*runs, *others)).model_dump_json(indent=1))
            write_whole(folder / "ablation.md", markdown(Ablation(runs=tuple(runs))))
            say(f"{name}, seed {seed}: NDCG@10 {found.test.ndcg[10]:.4f}, {found.loss:.4f} nats, {found.seconds:.0f} s")
    return Ablation(runs=tuple(runs))


def train(parts: LeaveOneOut, num_items: int, learning: TransformerLearning, name: str, digest: str) -> AblationRun:
    """One run: trained, and ranked on the test items."""
    from ihas.sequential.transformer.full_ranking import transformer_loss, transformer_metrics
    from ihas.sequential.transformer.model import Transformer
    from ihas.sequential.transformer.training import train_transformer

    began = time.perf_counter()
    trained = train_transformer(parts.train, parts.valid, num_items, learning.transformer, learning.training, lambda _: None)
    seconds = time.perf_counter() - began
    network = Transformer.of(learning.transformer, trained.weights)
    return AblationRun(
        change=name,
        seed=learning.training.seed,
        settings=digest,
        test=transformer_metrics(network, parts.test),
        loss=transformer_loss(network, parts.test),
        epochs=len(trained.history),
        seconds=seconds,
    )


def markdown(ablation: Ablation) -> str:
    """The table, of test items; differences are the change's minus the recipe's of the same seed, with the t interval over seeds."""
    of_change: dict[str, dict[int, AblationRun]] = {}
    for run in ablation.runs:
        of_change.setdefault(run.change, {})[run.seed] = run
    head = ("changed", "seeds", "NDCG@10", "difference", "HR@10", "difference", "loss, nats", "difference", "epochs", "seconds")
    rows = [_row(name, runs, of_change[WHOLE]) for name, runs in of_change.items()]
    return "\n".join((f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows, ""))


def _row(name: str, runs: Mapping[int, AblationRun], whole: Mapping[int, AblationRun]) -> str:
    cells = [name, str(len(runs))]
    for figure in METRICS:
        cells += [f"{np.mean([figure(run) for run in runs.values()]):.4f}", _difference(figure, runs, whole)]
    cells += [f"{np.mean([run.epochs for run in runs.values()]):.1f}", f"{np.mean([run.seconds for run in runs.values()]):.0f}"]
    return f"| {' | '.join(cells)} |"


def _difference(figure: Callable[[AblationRun], float], runs: Mapping[int, AblationRun], whole: Mapping[int, AblationRun]) -> str:
    seeds = sorted(set(runs) & set(whole))
    if runs is whole or len(seeds) < 2:
        return ""
    found = paired_interval(np.array([figure(runs[seed]) - figure(whole[seed]) for seed in seeds]))
    return f"{found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _absent(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value == ABSENT else value for name, value in settings.items()}
