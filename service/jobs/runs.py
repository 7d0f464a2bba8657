"""Folders of jobs, recipe of a job, facts of a bundle."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ihas.config.data import DataConfig
from ihas.errors import ConfigError
from ihas_pipelines.kinds.model_kind import AnyRecipe
from ihas_pipelines.kinds.registry import kind_of_result, kind_of_settings
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.job import Job

PIPELINES = (sys.executable, "-P", "-m", "ihas_pipelines")
"""Start of a child's command line. `-P`: a package `pipelines` in the current folder is another project's, and stays unread."""
FRONTIER_OF = "frontier_of"
"""Fact of a version that was chosen from a frontier: the search that keeps it."""


def origin(version: ModelVersion) -> str:
    """Search or refresh whose run folder a version came from."""
    return str(version.facts.get(FRONTIER_OF, version.job_id))


def search_folder(folder: Path, job_id: str) -> Path:
    """Run folder of a search inside the service's folder."""
    return folder / "searches" / job_id


def derived_folder(folder: Path, version_id: str) -> Path:
    """Bundle, inside the service's folder, of a version that came of other versions."""
    return folder / "derived" / version_id / "bundle"


def estimate_folder(folder: Path, job_id: str) -> Path:
    """Files of an estimate inside the service's folder."""
    return folder / "estimates" / job_id


def batch_folder(folder: Path, job_id: str) -> Path:
    """Files of a batch inside the service's folder."""
    return folder / "jobs" / "batch" / job_id


def dataset_folder(folder: Path, dataset_id: str) -> Path:
    """Files of a data set inside the service's folder."""
    return folder / "datasets" / dataset_id


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder, one with several names counted once, links not counted; what goes meanwhile counts nothing."""
    sizes: dict[tuple[int, int], int] = {}
    for parent, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                found = os.lstat(os.path.join(parent, file))
                sizes[found.st_dev, found.st_ino] = found.st_size if stat.S_ISREG(found.st_mode) else 0
    return sum(sizes.values())


def bundle_facts(bundle: Path) -> dict[str, Any]:
    """What is worth knowing of a bundle where it is registered: bytes, digest of its manifest, variant or method, figures on test rows."""
    checksum, summary = bundle / "manifest.sha256", bundle / "summary.json"
    facts: dict[str, Any] = {"bytes": folder_bytes(bundle)}
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
    asked = {"name": job.name, "data": windowed(job, data), "learning": learning, **rest}
    recipe: AnyRecipe = recipe_type.model_validate(asked)
    return recipe


def windowed(job: Job, data: DataConfig) -> DataConfig:
    """The data with the window of newest rows that a job names, if any."""
    if job.settings.get("window") is None:
        return data
    return DataConfig.model_validate({**data.model_dump(), "window": job.settings["window"]})
