"""Estimates: the child searches on small parts of the table, and leaves a document of what the whole would take."""

from __future__ import annotations

from pathlib import Path

from ihas_pipelines.kinds.registry import kind_of_settings
from ihas_pipelines.runs.progress import Outcome
from ihas_service.jobs.handlers.handler import JobContext, JobHandler, Run, digest_option, written
from ihas_service.jobs.runs import estimate_folder, recipe_of
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import ESTIMATE, Job


class EstimateHandler(JobHandler):
    """Says what a search would take."""

    kind = ESTIMATE
    shown = ("estimate.json", "advice.json", "advice.html")

    def folder(self, root: Path, job: Job) -> Path:
        """The folder of the estimate."""
        return estimate_folder(root, job.id).resolve()

    def prepare(self, job: Job, dataset: Dataset, context: JobContext) -> Run:
        """See `JobHandler.prepare`."""
        target, data = self.folder(context.settings.folder, job), dataset.data_config(context.settings.folder)
        recipe = written(target / "recipe.json", recipe_of(job, data).model_dump_json(indent=2))
        argv = (*context.command, "estimate", "--recipe", str(recipe), "--folder", str(target), *digest_option(dataset))
        return Run(argv, target / "log.txt", target / str(kind_of_settings(job.settings).estimate_file))

    def succeed(self, job: Job, run: Run, outcome: Outcome, context: JobContext) -> None:
        """See `JobHandler.succeed`."""
        del outcome
        if run.product.is_file():
            context.store.finish(job.id, job.token, "The estimate is ready.")
        else:
            detail = f"The run said that it succeeded, but left no {run.product.name}. See the worker's log of job {job.id}."
            context.store.fail(job.id, job.token, {"code": "internal", "detail": detail})
