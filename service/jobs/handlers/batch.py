"""Batches: the child answers every row of a data set with a version of a model, and leaves a Parquet file."""

from __future__ import annotations

import json
from pathlib import Path

from ihas_pipelines.runs.progress import Outcome
from ihas_service.jobs.handlers.handler import JobContext, JobHandler, Run, digest_option, written
from ihas_service.jobs.runs import batch_folder
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import BATCH, Job

ANSWERS = "answers.parquet"


class BatchHandler(JobHandler):
    """Answers many rows. Nothing here or in the child loads TensorFlow."""

    kind = BATCH
    shown = (ANSWERS,)

    def folder(self, root: Path, job: Job) -> Path:
        """The folder of the batch."""
        return batch_folder(root, job.id).resolve()

    def prepare(self, job: Job, dataset: Dataset, context: JobContext) -> Run:
        """See `JobHandler.prepare`."""
        target, root = self.folder(context.settings.folder, job), context.settings.folder
        bundle = Artefacts(root, context.settings.artefacts_url).local(str(job.settings["path"]), job.settings.get("manifest_sha256"))
        data = written(target / "data.json", dataset.data_config(root).model_dump_json(indent=2))
        request = written(target / "request.json", json.dumps(job.settings.get("items") or {}))
        rows = int((dataset.report or {}).get("rows", 0))
        files = ("--data", str(data), "--bundle", str(bundle), "--request", str(request), "--to", str(target / ANSWERS))
        argv = (*context.command, "batch", *files, *self._items(job, target, context), "--rows", str(rows), *digest_option(dataset))
        return Run(argv, target / "log.txt", target / ANSWERS)

    def _items(self, job: Job, target: Path, context: JobContext) -> tuple[str, ...]:
        """What was put of items by now, for batches of recommendations."""
        put = context.store.put_items(job.tenant, job.name) if job.settings.get("items") else None
        return ("--items", str(written(target / "items.json", json.dumps(put)))) if put else ()

    def succeed(self, job: Job, run: Run, outcome: Outcome, context: JobContext) -> None:
        """See `JobHandler.succeed`."""
        del outcome
        if run.product.is_file():
            context.store.finish(job.id, job.token, "The answers are ready.")
            return
        detail = f"The run said that it succeeded, but left no {run.product.name}. See the worker's log of job {job.id}."
        context.store.fail(job.id, job.token, {"code": "internal", "detail": detail})
