"""Requests and responses about data sets, searches and models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, create_model, model_validator

from ihas.config.base import Config, invalid
from ihas.config.budget import BudgetConfig
from ihas.config.data import InteractionColumns, SchemaConfig, WindowConfig
from ihas.config.file_form import FileForm
from ihas.config.learning import LearningConfig
from ihas.config.run import RunOptions
from ihas.data.growth import GrowthLimits
from ihas_pipelines.kinds.registry import DEFAULT, kinds
from ihas_service.states import JobStage, JobState
from ihas_service.storage.catalogue import Dataset, DatasetState, ModelVersion
from ihas_service.storage.job import Event, Job
from ihas_service.storage.promotion_settings import AutoPromote
from ihas_service.storage.removals import Deleted

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Moment = Annotated[datetime, PlainSerializer(lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), str)]
DatasetVersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
Priority = Annotated[int, Field(ge=-100, le=100)]
FileFormat = Literal["auto", "csv", "parquet", "jsonl", "sequences"]


class DatasetCreate(FileForm):
    """A data set to create: the settings of `ihas.config.DataConfig`, but for `valid_path`, `test_path` and `joined`.

    These do not exist over HTTP: a data set is one file, whose parts a search draws by `learning.split`. Rows that belong to a
    part already go into the same file, with a column for `learning.split.column`.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Display name."""
    format: FileFormat = "auto"
    """Format of the file; `auto` detects it by the suffix of a path, or by the first bytes of an upload."""
    columns: SchemaConfig = SchemaConfig()
    """Known columns; the others are inferred."""
    interactions: InteractionColumns | None = None
    """If set, the file is a table of interactions (user, item, time), for searches with `overrec` or `transformer`."""
    labelled: bool = Field(default=True, exclude_if=lambda labelled: labelled is True)
    """`false`: the rows need no label and are only answered by batches; no search takes them."""
    limits: GrowthLimits = GrowthLimits()
    """How much rows that are appended later may differ from those before; rows that differ more are refused."""
    path: str | None = Field(default=None, min_length=1, max_length=4_096)
    """Path of a file on the server, below IHAS_DATA_ROOTS; without it, upload the file."""
    uri: str | None = Field(default=None, min_length=1, max_length=2_000)
    """URI of a file that the service fetches before it answers, below IHAS_URI_PLACES."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    """SHA-256 of the file at `uri`, hexadecimal; a file with another digest is refused."""
    copy_of: str | None = Field(default=None, min_length=1, max_length=64)
    """Id of a data set whose file this one takes too, read as that one is but for the settings stated here, such as `columns`."""

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if not self.labelled and (self.interactions is not None or self.format == "sequences"):
            raise ValueError(
                "Rows without a label are a table, but `interactions` or `format = 'sequences'` is set. Leave one of them out."
            )
        places = [name for name in ("path", "uri", "copy_of") if getattr(self, name) is not None]
        if len(places) > 1:
            raise ValueError(f"{' and '.join(f'`{name}`' for name in places)} name two files. Leave all but one out.")
        if self.sha256 is not None and self.uri is None:
            raise ValueError("`sha256` is of the file at `uri`. An upload says its digest in `X-Content-SHA256`.")
        return self


class DatasetPublic(Config):
    """A data set."""

    id: str
    """Id, used in paths."""
    name: str
    """Display name."""
    state: DatasetState
    """`uploading` waits for the file, `validating` for the check; searches need a `valid` data set."""
    labelled: bool
    """Whether rows have a label, so that searches may read them."""
    version: int
    """Version in use: the newest valid one, which searches read unless they state another."""
    size: int | None
    """Bytes of the uploaded files of that version."""
    sha256: str | None
    """Digest of that version's table, hexadecimal: of one file, its SHA-256. For a file named by path, after its check."""
    limits: GrowthLimits
    """How much appended rows may differ from those before."""
    error: dict[str, Any] | None
    """Reason why it cannot be used: `code`, `detail`, and `findings` with row and column."""
    created_at: Moment
    """Time of creation."""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The wire form of a data set."""
        shown = {name: getattr(dataset, name) for name in ("id", "name", "state", "labelled", "version", "size", "sha256", "error")}
        return cls(**shown, limits=GrowthLimits.model_validate(dataset.limits or {}), created_at=moment(dataset.created_at))


class DatasetsPublic(Config):
    """A page of data sets, newest first."""

    datasets: tuple[DatasetPublic, ...]
    """The page."""
    next_cursor: int | None
    """Cursor of the next page; absent on the last page."""


class SearchSettings(Config):
    """What every search to submit has; `SearchCreate` adds a group of settings for each model kind."""

    name: Name
    """Name of the resulting model; an existing name gets its next version."""
    dataset_id: str
    """A valid data set."""
    dataset_version: DatasetVersionNumber | None = Field(default=None, exclude_if=lambda version: version is None)
    """Version of the data set; by default the newest valid one at submission. The search stays on it."""
    window: WindowConfig | None = Field(default=None, exclude_if=lambda window: window is None)
    """If set, only the newest rows of the version are read."""
    learning: LearningConfig = LearningConfig()
    """Settings of learning."""
    run: RunOptions = RunOptions()
    """Options of the run."""
    budget: BudgetConfig = BudgetConfig()
    """Limits on the served model, certified in the result; only for searches with `learning`."""
    priority: Priority = 0
    """Searches of higher priority start first, over all tenants."""
    auto_promote: AutoPromote | None = Field(default=None, exclude_if=lambda mode: mode is None)
    """Whether the version goes live without a person: `first`: if it is the model's first one; `passing`: if it meets the gates; `never`.
    By default as the model's settings say (`PUT /v1/models/{name}/promotion`), and IHAS_AUTO_PROMOTE."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        stated = [group for group in OTHER_KINDS if getattr(self, group) is not None]
        if len(stated) > 1:
            raise invalid(
                f"A search makes one model, but got {' and '.join(f'`{group}`' for group in stated)}. Leave all but one of them out."
            )
        if stated and self.budget != BudgetConfig():
            raise invalid(f"A budget is kept by searches with `learning`, but got one with `{stated[0]}`. Leave it out.")
        return self

    @property
    def settings(self) -> str:
        """Which group of settings is read: `learning`, or that of another kind."""
        return next((group for group in OTHER_KINDS if getattr(self, group) is not None), "learning")


def _other_kinds() -> dict[str, Any]:
    """A field of `SearchCreate` for the settings of each kind that a search makes besides `grouped`, those of extensions too."""
    return {
        kind.settings_group: (
            kind.learning | None,
            Field(default=None, description=f"If set, the search makes the kind `{kind.name}`; `learning` is not read. {kind.description}"),
        )
        for kind in kinds()
        if "search" in kind.submitted_as and kind.learning is not None and kind.name != DEFAULT
    }


OTHER_KINDS = _other_kinds()
if TYPE_CHECKING:
    SearchCreate = SearchSettings
else:
    SearchCreate = create_model("SearchCreate", __base__=SearchSettings, __doc__="A search to submit.", **OTHER_KINDS)


class SearchClone(Config):
    """Changes to a copied search."""

    name: Name | None = None
    """Name of the resulting model; that of the original search by default."""
    learning: dict[str, Any] = {}
    """Settings that override those of the original search, group by group: `{"training": {"epochs": 3}}`."""
    run: dict[str, Any] = {}
    """Options of the run that override those of the original search."""
    budget: BudgetConfig | None = None
    """Limits on the served model; those of the original search by default."""
    priority: Priority = 0
    """Searches of higher priority start first."""


class SearchPublic(Config):
    """A search, or a refresh of a model."""

    id: str
    """Id, used in paths."""
    kind: Literal["search", "refresh"] = "search"
    """Whether it searches, or carries the run behind a version on with newer rows."""
    name: str
    """Name of the resulting model."""
    dataset_id: str
    """Data set of the search."""
    dataset_version: int
    """Version of the data set."""
    window: WindowConfig | None
    """Window of newest rows; absent if all rows are read."""
    priority: int
    """Searches of higher priority start first."""
    state: JobState
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    stage: JobStage | None
    """Current stage, or the last one of a finished job; absent while queued."""
    attempt: int
    """Number of the attempt."""
    progress: float
    """Completed share of the run, 0 to 1."""
    eta_s: float | None
    """Estimated seconds until the end; absent until there is an estimate."""
    heartbeat_age_s: float | None
    """Seconds since the last heartbeat of its worker, while it runs."""
    message: str
    """Current activity, for people."""
    error: dict[str, Any] | None
    """Reason of the failure: `code`, `detail` and more."""
    model_version: int | None
    """Version of the resulting model."""
    created_at: Moment
    """Time of submission."""
    started_at: Moment | None
    """Start of the first attempt."""
    finished_at: Moment | None
    """Time at which it ended."""
    note: str = ""
    """What people wrote down about it."""
    tags: tuple[str, ...] = ()
    """Words that they gave it."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """The wire form of a search."""
        names = (
            "id",
            "kind",
            "name",
            "dataset_id",
            "priority",
            "state",
            "stage",
            "attempt",
            "eta_s",
            "heartbeat_age_s",
            "message",
            "error",
        )
        times = {name: moment(getattr(job, name)) for name in ("created_at", "started_at", "finished_at")}
        shown = {name: getattr(job, name) for name in names}
        data: dict[str, Any] = {"dataset_version": job.data_version, "window": job.settings.get("window")}
        data |= {"note": job.note or "", "tags": tuple(job.tags or ())}
        return cls(**shown, **times, **data, model_version=job.model_version, progress=job.fraction)


class SearchesPublic(Config):
    """A page of searches, newest first."""

    searches: tuple[SearchPublic, ...]
    """The page."""
    next_cursor: int | None
    """Cursor of the next page; absent on the last page."""


class EventPublic(Config):
    """An event of a search; the `data` of a server-sent event with the same `id`."""

    id: int
    """1, 2, 3, ... within the search, without gaps."""
    at: Moment
    """Time of the event."""
    state: JobState
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    stage: JobStage | None
    """Stage at that time; absent while queued."""
    attempt: int
    """Number of the attempt."""
    progress: float
    """Completed share of the run, 0 to 1."""
    eta_s: float | None
    """Estimated seconds until the end at that time."""
    message: str
    """Activity at that time, for people."""
    metrics: dict[str, float]
    """Metrics at that time, for example the validation AUC of an epoch."""
    error: dict[str, Any] | None
    """Reason of the failure."""

    @classmethod
    def of(cls, event: Event) -> Self:
        """The wire form of an event."""
        shown = {name: getattr(event, name) for name in ("id", "state", "stage", "attempt", "eta_s", "message", "metrics", "error")}
        return cls(**shown, at=moment(event.at), progress=event.fraction)


class ModelVersionPublic(Config):
    """A version of a model."""

    name: str
    """Name of the model."""
    version: int
    """1, 2, 3, ... within the name."""
    search_id: str
    """Search that produced it."""
    created_at: Moment
    """Time of registration."""
    candidate: bool = False
    """Whether it serves only once it is promoted."""
    gates_passed: bool | None = None
    """Whether it met its gates; absent where none were evaluated."""

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        """The wire form of a version."""
        passed = None if version.gates is None else bool(version.gates["passed"])
        return cls(
            name=version.name,
            version=version.version,
            search_id=version.job_id,
            created_at=moment(version.created_at),
            candidate=version.candidate,
            gates_passed=passed,
        )


class ModelsPublic(Config):
    """The newest version of every model."""

    models: tuple[ModelVersionPublic, ...]
    """By name."""


class ModelPublic(Config):
    """A model."""

    name: str
    """Its name."""
    latest: int
    """Its newest version."""
    serving: int | None
    """The version that serves; absent if none does."""
    problem: str | None
    """Reason why none does."""
    summary: dict[str, Any]
    """Summary of the search, as in its bundle."""
    versions: tuple[ModelVersionPublic, ...]
    """All versions, newest first."""


class DeletedPublic(Config):
    """What was deleted."""

    deleted: str
    """Id of the data set or search, name of the model, or name and number of the version, or name and alias."""
    bytes: int
    """Bytes that no longer count against the tenant's quota."""

    @classmethod
    def of(cls, what: str, deleted: Deleted) -> Self:
        """The wire form of a deletion."""
        return cls(deleted=what, bytes=deleted.bytes)


class Health(Config):
    """Health of the process."""

    status: Literal["alive", "ready", "degraded"]
    """`alive`: the process answers; `ready`: the database answers and a version of every model is served; `degraded`: ready, but the shared
    model serves groups whose own model failed its check."""
    models: dict[str, int] = {}
    """Versions in use, by name."""
    degraded: dict[str, tuple[int, ...]] = {}
    """Groups that the shared model serves, by name of the model."""


def next_cursor(found: Sequence[Job] | Sequence[Dataset], limit: int) -> int | None:
    """Cursor of the page after `found`."""
    return found[-1].number if len(found) == limit else None


def moment(seconds: float | None) -> Any:
    """Seconds since 1970 as a time of the wire."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
