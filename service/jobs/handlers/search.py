"""Searches: the child runs the stages, and its bundle is published and registered as a version of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ihas.errors import BundleError
from ihas_pipelines.runs.progress import Outcome
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.jobs.handlers.gates import release_of
from ihas_service.jobs.handlers.handler import JobContext, JobHandler, Run, digest_option, written
from ihas_service.jobs.handlers.publishing import published
from ihas_service.jobs.runs import bundle_facts, recipe_of, search_folder
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import SEARCH, Job


class SearchHandler(JobHandler):
    """Runs the stages on a data set and registers the model."""

    kind = SEARCH
    shown = ("result.json", "report.html", "log.txt", "plots/*")

    def folder(self, root: Path, job: Job) -> Path:
        """The run folder of the search."""
        return search_folder(root, job.id).resolve()

    def prepare(self, job: Job, dataset: Dataset, context: JobContext) -> Run:
        """See `JobHandler.prepare`."""
        target, data = self.folder(context.settings.folder, job), dataset.data_config(context.settings.folder)
        recipe = written(target / "recipe.json", recipe_of(job, data).model_dump_json(indent=2))
        argv = (*context.command, "run", "--recipe", str(recipe), "--folder", str(target), *digest_option(dataset))
        return Run(argv, target / "log.txt", target / "bundle")

    def facts(self, job: Job, bundle: Path) -> dict[str, Any]:
        """What is worth knowing of the version of a job."""
        del job
        return bundle_facts(bundle)

    def succeed(self, job: Job, run: Run, outcome: Outcome, context: JobContext) -> None:
        """See `JobHandler.succeed`."""
        del outcome
        if not run.product.is_dir():
            detail = "The run said that it succeeded, but left no bundle."
            context.store.fail(job.id, job.token, {"code": "internal", "detail": detail})
            return
        try:
            FirstLoad(context.settings.folder, context.settings.bundle_load_cpu_s, context.command)(run.product)
        except BundleError as error:
            detail = f"The bundle of the run cannot be used, so it is no version: {error}".replace(f"{run.product}/", "")
            context.store.fail(job.id, job.token, {"code": "bundle", "detail": detail})
            return
        release = release_of(job, run.product, context)
        path = published(job, run.product, context)
        if path is not None:
            context.store.succeed(job.id, job.token, path, self.facts(job, run.product), release)
