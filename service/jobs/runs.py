"""What a job starts, and how its child's words are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ihas.config.data import DataConfig
from ihas.config.recipe import Recipe
from ihas.folders import write_whole
from pipelines.runs.progress import Progress
from pipelines.runs.recipe import KINDS, AnyRecipe
from service.settings import Settings
from service.storage.catalogue import Dataset
from service.storage.job import Job, JobKind

PIPELINES = (sys.executable, "-m", "pipelines")


class Outcome(BaseModel):
    """The last words of a child, of a run and of an inspection alike."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    outcome: Literal["succeeded", "failed"]
    """How it ended."""
    report: dict[str, Any] | None = None
    """Of an inspection: what was found in the data."""
    sha256: str | None = None
    """Of an inspection: digest of the file that was checked."""
    error: dict[str, Any] | None = None
    """Why it failed: `code`, `detail`, and `findings` for bad data."""


@dataclass(frozen=True, slots=True)
class Run:
    """A child to start.

    Attributes:
        argv: its command line.
        log: file that takes its standard error.
        bundle: where a search leaves its bundle, and an estimate its document.
    """

    argv: tuple[str, ...]
    log: Path
    bundle: Path


def search_folder(folder: Path, job_id: str) -> Path:
    """Run folder of a search inside the service's folder."""
    return folder / "searches" / job_id


def derived_folder(folder: Path, version_id: str) -> Path:
    """Bundle, inside the service's folder, of a version that came of other versions."""
    return folder / "derived" / version_id / "bundle"


def estimate_folder(folder: Path, job_id: str) -> Path:
    """Files of an estimate inside the service's folder."""
    return folder / "estimates" / job_id


def dataset_folder(folder: Path, dataset_id: str) -> Path:
    """Files of a data set inside the service's folder."""
    return folder / "datasets" / dataset_id


def check_limits(settings: Settings) -> tuple[str, ...]:
    """What the child that checks a data set is held to, as its command line says it."""
    limits = {"expanded-bytes": settings.max_expanded_bytes, "memory-bytes": settings.check_memory_bytes, "cpu-s": settings.check_cpu_s}
    return tuple(word for name, limit in limits.items() for word in (f"--max-{name}", str(limit)))


def prepare(job: Job, dataset: Dataset, folder: Path, command: Sequence[str], limits: Sequence[str] = ()) -> Run:
    """Write down what the child is to do, and say how it is started; `limits` are those of a check."""
    data = dataset.data_config(folder)
    if job.kind is JobKind.DATASET:
        target = dataset_folder(folder, dataset.id).resolve()
        asked = _write(target / "data.json", data.model_dump_json(indent=2))
        return Run((*command, "inspect", "--data", str(asked), *limits), target / "log.txt", target)
    content = () if dataset.sha256 is None else ("--data-sha256", dataset.sha256)
    target = (estimate_folder if job.kind is JobKind.ESTIMATE else search_folder)(folder, job.id).resolve()
    asked = _write(target / "recipe.json", recipe_of(job, data).model_dump_json(indent=2))
    if job.kind is JobKind.ESTIMATE:
        written = "advice.json" if "ladder" in job.settings else "estimate.json"
        return Run((*command, "estimate", "--recipe", str(asked), "--folder", str(target), *content), target / "log.txt", target / written)
    return Run((*command, "run", "--recipe", str(asked), "--folder", str(target), *content), target / "log.txt", target / "bundle")


def bundle_facts(bundle: Path) -> dict[str, Any]:
    """What is worth knowing of a bundle where it is registered: digest of its manifest, variant or method, figures on test rows."""
    checksum, summary = bundle / "manifest.sha256", bundle / "summary.json"
    facts: dict[str, Any] = {}
    if checksum.is_file():
        facts["manifest_sha256"] = checksum.read_text(encoding="utf-8").split()[0]
    if summary.is_file():
        found = json.loads(summary.read_bytes())
        facts |= _served(found)
    return facts


def _served(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Which variant or method of a run's result its bundle serves, and that one's figures on test rows."""
    kind, chosen = summary.get("kind"), summary.get("chosen")
    if kind == "transformer":
        return {"chosen": kind, "test": {**summary["test"], "loss": summary["loss"]}}
    if kind == "overrec":
        chosen, named = kind, summary.get("contenders", ())
    else:
        named = summary.get("variants", ())
    return {"chosen": chosen, "test": next((one["test"] for one in named if one["name"] == chosen), {})}


def settings_of(job: Job) -> tuple[str, dict[str, Any]]:
    """What a search learns: the group of settings that is read, `learning` or a kind's, and what it says."""
    name = next((kind for kind in KINDS if kind in job.settings), "learning")
    return name, dict(job.settings.get(name, {}))


def recipe_of(job: Job, data: DataConfig) -> AnyRecipe:
    """What a search's child is to do: settings with `overrec`, `transformer` or `ladder` are a recipe of that kind."""
    kind, learned = settings_of(job)
    if kind == "learning":
        return Recipe.model_validate({"name": job.name, "data": data, **job.settings})
    rest = {name: job.settings[name] for name in ("run", "seconds") if name in job.settings}
    recipe: AnyRecipe = KINDS[kind].model_validate({"name": job.name, "data": data, "learning": learned, **rest})
    return recipe


def read_line(kind: JobKind, line: str) -> Progress | Outcome | None:
    """What a line says; None for one that is not of the protocol."""
    try:
        return Outcome.model_validate_json(line)
    except ValidationError:
        pass
    try:
        return Progress.model_validate_json(line) if kind is not JobKind.DATASET else None
    except ValidationError:
        return None


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path
