"""What a search would take, asked before it is submitted."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Path, Response

from ihas.config import Config, LearningConfig, RunOptions
from ihas.results import Estimate
from service.deps import CallerDep, SettingsDep, StoreDep, json_only, own_dataset
from service.errors import ConflictError, UnknownIdError
from service.jobs.catalogue import DatasetState
from service.jobs.job import Job, JobKind, JobState, NewJob
from service.jobs.runs import estimate_folder
from service.settings import Settings

router = APIRouter(prefix="/v1/searches", tags=["searches"])
NAME = "estimate"


class EstimateCreate(Config):
    """A search to be estimated."""

    dataset_id: str
    """A valid data set."""
    learning: LearningConfig = LearningConfig()
    """What would be learnt."""
    run: RunOptions = RunOptions()
    """How it would be run."""


class EstimatePublic(Config):
    """An estimate."""

    id: str
    """Its name in paths."""
    dataset_id: str
    """Data set that it works on."""
    state: JobState
    """Where it stands."""
    progress: float
    """Share of it that is done, 0 to 1."""
    message: str
    """What it is doing, for a person."""
    error: dict[str, Any] | None
    """Why it failed."""
    estimate: Estimate | None
    """What a search would take; absent until it is ready."""

    @classmethod
    def of(cls, job: Job, settings: Settings) -> Self:
        """The wire form of an estimate."""
        names = ("id", "dataset_id", "state", "message", "error")
        return cls(**{name: getattr(job, name) for name in names}, progress=job.fraction, estimate=_found(job, settings))


@router.post("/estimate", status_code=202, dependencies=[Depends(json_only)])
def create_estimate(body: EstimateCreate, response: Response, store: StoreDep, settings: SettingsDep, caller: CallerDep) -> EstimatePublic:
    """Ask what a search would take and whether it may be worth it: a worker searches on two small parts of the table."""
    dataset = own_dataset(store, body.dataset_id, caller)
    if dataset.state is not DatasetState.VALID:
        raise ConflictError(f"Data set {dataset.id} is {dataset.state}; an estimate needs a valid one.")
    asked = body.model_dump(mode="json", include={"learning", "run"})
    job = store.submit(NewJob(JobKind.ESTIMATE, NAME, dataset.id, asked, tenant=caller.tenant), settings.max_queued_per_tenant)
    response.headers["Location"] = f"/v1/searches/estimates/{job.id}"
    response.headers["Retry-After"] = "1"
    return EstimatePublic.of(job, settings)


@router.get("/estimates/{estimate_id}")
def read_estimate(
    estimate_id: Annotated[str, Path(max_length=64)], store: StoreDep, settings: SettingsDep, caller: CallerDep
) -> EstimatePublic:
    """An estimate; its figures once it is ready."""
    job = store.job(estimate_id)
    if job.kind is not JobKind.ESTIMATE or job.tenant != caller.tenant:
        raise UnknownIdError(f"There is no estimate {estimate_id!r}.")
    return EstimatePublic.of(job, settings)


def _found(job: Job, settings: Settings) -> Estimate | None:
    path = estimate_folder(settings.folder, job.id) / "estimate.json"
    if job.state is not JobState.SUCCEEDED or not path.is_file():
        return None
    return Estimate.model_validate_json(path.read_bytes())
