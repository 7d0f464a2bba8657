"""What a job starts, and how its child's words are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihas.config.data import DataConfig
from ihas.errors import ConfigError
from ihas.folders import write_whole
from pipelines.kinds.model_kind import AnyRecipe
from pipelines.kinds.registry import kind_of_result, kind_of_settings
from service.settings import Settings
from service.storage.catalogue import Dataset
from service.storage.job import Job, JobKind

PIPELINES = (sys.executable, "-m", "pipelines")


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
        written = kind_of_settings(job.settings).estimate_file
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
        served = kind_of_result(found).served
        facts |= {} if served is None else served(found)
    return facts


def settings_of(job: Job) -> tuple[str, dict[str, Any]]:
    """The group of settings that a job reads, `learning` or that of another kind, and its values."""
    group = kind_of_settings(job.settings).settings_group
    return group, dict(job.settings.get(group, {}))


def recipe_of(job: Job, data: DataConfig) -> AnyRecipe:
    """The recipe that the child of a job carries out."""
    kind = kind_of_settings(job.settings)
    if kind.recipe is None:
        raise ConfigError(f"A job cannot make the kind {kind.name!r}. Use `{kind.made_by}`.")
    recipe_type: type[Any] = kind.recipe
    rest = {name: value for name, value in job.settings.items() if name in kind.recipe.model_fields and name != "learning"}
    learning = job.settings.get(kind.settings_group, {})
    recipe: AnyRecipe = recipe_type.model_validate({"name": job.name, "data": data, "learning": learning, **rest})
    return recipe


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path
