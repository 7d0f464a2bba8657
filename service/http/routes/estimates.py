"""Estimates of the time, memory and gain of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field, model_validator

from ihas.config.base import Config
from ihas.config.budget import BudgetConfig
from ihas.config.data import WindowConfig
from ihas.config.learning import LearningConfig
from ihas.config.run import RunOptions
from ihas.config.size_sweep import SizeSweepLearning
from ihas.results.estimate import Estimate
from ihas.sequential.scaling.advised import Advice
from ihas_service.auth.caller import Caller
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, SettingsDep, StoreDep, TraceDep, json_only, own_job
from ihas_service.http.files import WholeFile, still_there
from ihas_service.http.policy import MIB, Shedding, policy, reading
from ihas_service.http.routes.searches import REPORT_HEADERS, check_labels, searched
from ihas_service.http.schemas.searches import DatasetVersionNumber
from ihas_service.jobs.runs import estimate_folder
from ihas_service.settings import Settings
from ihas_service.states import JobStage, JobState
from ihas_service.storage.job import ESTIMATE, Job, NewJob
from ihas_service.storage.job_files import JobFiles
from ihas_service.storage.job_store import JobStore

router = APIRouter(prefix="/v1/searches", tags=["searches"], route_class=JsonRoute)
NAME = "estimate"
Found = TypeVar("Found", Estimate, Advice)
FILES: Mapping[type[BaseModel], str] = {Estimate: "estimate.json", Advice: "advice.json"}


class EstimateCreate(Config):
    """A search to be estimated."""

    dataset_id: str
    """A valid data set."""
    dataset_version: DatasetVersionNumber | None = None
    """Version of the data set; by default the newest valid one."""
    window: WindowConfig | None = None
    """If set, only the newest rows of the version are read."""
    learning: LearningConfig = LearningConfig()
    """Settings of learning."""
    ladder: SizeSweepLearning | None = None
    """If set, a size sweep: sequential transformers of several sizes are trained on a data set of sequences, to advise on a size;
    `learning` is not read."""
    seconds: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """With `ladder`: maximum seconds of wall time for one training of the advised size."""
    run: RunOptions = RunOptions()
    """Options of the run."""

    @model_validator(mode="after")
    def _a_ladder_has_a_budget(self) -> Self:
        if (self.ladder is None) != (self.seconds is None):
            raise ValueError(f"`ladder` and `seconds` belong together, but `seconds` is {self.seconds}. Give both or neither.")
        if self.ladder is not None:
            self.ladder.check_advisable()
        return self


class EstimatePublic(Config):
    """An estimate."""

    id: str
    """Id, used in paths."""
    dataset_id: str
    """Data set of the search."""
    state: JobState
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    stage: JobStage | None
    """Current stage, or the last one of a finished job; absent while queued."""
    progress: float
    """Completed share of the work, 0 to 1."""
    message: str
    """Current activity, for people."""
    error: dict[str, Any] | None
    """Reason of the failure."""
    estimate: Estimate | None
    """The estimate; absent until it is ready, and with `ladder`."""
    advice: Advice | None
    """With `ladder`: advice on the size to train; absent until it is ready."""

    @classmethod
    def of(cls, job: Job, settings: Settings) -> Self:
        """The wire form of an estimate."""
        names = ("id", "dataset_id", "state", "stage", "message", "error")
        estimate, advice = _found(job, settings, Estimate), _found(job, settings, Advice)
        return cls(**{name: getattr(job, name) for name in names}, progress=job.fraction, estimate=estimate, advice=advice)


@router.post("/estimate", status_code=202, dependencies=[Depends(json_only)], openapi_extra=policy(Scope.SEARCH, max_body=MIB))
def create_estimate(
    body: EstimateCreate, response: Response, store: StoreDep, settings: SettingsDep, caller: CallerDep, trace: TraceDep
) -> EstimatePublic:
    """Estimate the time, memory and gain of a search: a worker runs two pilot searches on small parts of the table."""
    dataset = searched(store, body, caller)
    if body.ladder is None:
        check_labels(dataset, body.learning, BudgetConfig())
    wanted = {"window"} if body.window is not None else set()
    wanted |= {"learning", "run"} if body.ladder is None else {"ladder", "seconds", "run"}
    asked = body.model_dump(mode="json", include=wanted)
    new = NewJob(ESTIMATE, NAME, dataset.id, asked, tenant=caller.tenant, traceparent=trace, dataset_version=dataset.version)
    job = store.submit(new, settings.max_queued_per_tenant, settings.max_search_bytes_per_tenant)
    response.headers["Location"] = f"/v1/searches/estimates/{job.id}"
    response.headers["Retry-After"] = "1"
    return EstimatePublic.of(job, settings)


@router.get("/estimates/{estimate_id}", openapi_extra=reading())
def read_estimate(
    estimate_id: Annotated[str, Path(max_length=64)], store: StoreDep, settings: SettingsDep, caller: CallerDep
) -> EstimatePublic:
    """One estimate; its numbers once it is ready."""
    return EstimatePublic.of(_own(store, estimate_id, caller), settings)


@router.get(
    "/estimates/{estimate_id}/figure",
    response_class=FileResponse,
    responses={200: {"content": {"text/html": {}}}},
    openapi_extra=reading(shedding=Shedding.NEVER),
)
def read_estimate_figure(
    estimate_id: Annotated[str, Path(max_length=64)], store: StoreDep, settings: SettingsDep, caller: CallerDep
) -> WholeFile:
    """Loss against size with the fitted law and the advised size, as a page; of an estimate with `ladder`, once it is ready."""
    job = _own(store, estimate_id, caller)
    if job.state is not JobState.SUCCEEDED:
        raise ConflictError(f"Estimate {estimate_id} is {job.state}; it has a figure once it has succeeded.")
    path = JobFiles(settings.folder, settings.artefacts_url).shown(estimate_folder(settings.folder, job.id) / "advice.html")
    if not path.is_file():
        raise UnknownIdError(f"Estimate {estimate_id} has no figure: it was asked without `ladder`.")
    return WholeFile(path, "text/html", REPORT_HEADERS)


def _own(store: JobStore, estimate_id: str, caller: Caller) -> Job:
    return own_job(store, estimate_id, caller, ESTIMATE)


def _found(job: Job, settings: Settings, what: type[Found]) -> Found | None:
    if job.state is not JobState.SUCCEEDED:
        return None
    path = JobFiles(settings.folder, settings.artefacts_url).shown(estimate_folder(settings.folder, job.id) / FILES[what])
    if not path.is_file():
        return None
    with still_there():
        return what.model_validate_json(path.read_bytes())
