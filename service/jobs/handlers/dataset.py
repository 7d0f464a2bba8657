"""Checks of data sets: the child reads the file within limits and reports what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ihas_pipelines.runs.progress import Outcome
from ihas_service.jobs.handlers.handler import JobContext, JobHandler, Run, written
from ihas_service.jobs.runs import dataset_folder
from ihas_service.jobs.wording import fault_of_signal
from ihas_service.settings import Settings
from ihas_service.storage.catalogue import Dataset
from ihas_service.storage.job import DATASET, Job


class DatasetHandler(JobHandler):
    """Checks a data set's file; its report and its digest go to the data set."""

    kind = DATASET

    def folder(self, root: Path, job: Job) -> Path:
        """The folder of the data set."""
        return dataset_folder(root, job.dataset_id).resolve()

    def prepare(self, job: Job, dataset: Dataset, context: JobContext) -> Run:
        """See `JobHandler.prepare`."""
        target = self.folder(context.settings.folder, job)
        data = written(target / "data.json", dataset.data_config(context.settings.folder).model_dump_json(indent=2))
        compared = _before(job, target, context) if dataset.labelled else ("--rows-only",)
        options = (*compared, *_limits(context.settings))
        return Run((*context.command, "inspect", "--data", str(data), *options), target / "log.txt", target)

    def succeed(self, job: Job, run: Run, outcome: Outcome, context: JobContext) -> None:
        """See `JobHandler.succeed`."""
        del run
        context.store.accept_dataset(job.id, job.token, outcome.report or {}, outcome.sha256)

    def error_of_signal(self, number: int) -> Mapping[str, str] | None:
        """The limits on computing and on time end the child by signals, and so does a file that breaks a reader: it would do so again."""
        return fault_of_signal(number)


def _before(job: Job, folder: Path, context: JobContext) -> tuple[str, ...]:
    """Words of the command line that name what a later version is compared with; none for a first one."""
    parent = context.store.dataset(job.dataset_id)  # the version in use, for nothing else is appended to
    columns = (parent.report or {}).get("columns")
    if job.data_version == 1 or columns is None:
        return ()
    document = {"columns": columns, "limits": parent.limits or {}}
    return ("--before", str(written(folder / "before.json", json.dumps(document))))


def _limits(settings: Settings) -> tuple[str, ...]:
    """Limits of a check, as the child's command line states them."""
    limits = {"expanded-bytes": settings.max_expanded_bytes, "memory-bytes": settings.check_memory_bytes, "cpu-s": settings.check_cpu_s}
    limits["links"] = 0
    return tuple(word for name, limit in limits.items() for word in (f"--max-{name}", str(limit)))
