"""Refreshes: the child carries the run behind a version on with newer rows, and its bundle is the model's next version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ihas.config.refresh import RefreshConfig
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_service.jobs.handlers.handler import JobContext, Run, digest_option, written
from ihas_service.jobs.handlers.search import SearchHandler
from ihas_service.jobs.runs import search_folder, windowed
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import REFRESH, Job

GROUP = "refresh"
"""Settings of a refresh job: `source` is the job whose run folder is carried on, `point` the variant, `version` that of the model, and
`settings` how it learns on. Beside it are the settings of the search, so that the lineage of its version tells the recipe."""


class RefreshHandler(SearchHandler):
    """Carries a finished run on and registers the model. Its run folder lies among those of searches."""

    kind = REFRESH

    def prepare(self, job: Job, dataset: Dataset, context: JobContext) -> Run:
        """See `JobHandler.prepare`."""
        root, target, asked = context.settings.folder, self.folder(context.settings.folder, job), _asked(job)
        request = RefreshRequest(
            source=search_folder(root.resolve(), str(asked["source"])),
            data=windowed(job, dataset.data_config(root)),
            settings=RefreshConfig.model_validate(asked["settings"]),
            point=asked["point"],
        )
        document = written(target / "refresh.json", request.model_dump_json(indent=2))
        argv = (*context.command, "refresh", "--request", str(document), "--folder", str(target), *digest_option(dataset))
        return Run(argv, target / "log.txt", target / "bundle")

    def facts(self, job: Job, bundle: Path) -> dict[str, Any]:
        """See `SearchHandler.facts`."""
        return {**super().facts(job, bundle), "refreshed_from": _asked(job)["version"]}


def _asked(job: Job) -> Mapping[str, Any]:
    found: Mapping[str, Any] = job.settings[GROUP]
    return found
