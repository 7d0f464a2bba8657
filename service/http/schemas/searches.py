"""What goes over the wire, by role."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, model_validator

from ihas.config.base import Config
from ihas.config.budget import BudgetConfig
from ihas.config.data import InteractionColumns, SchemaConfig
from ihas.config.learning import LearningConfig
from ihas.config.overrec import OverRecLearning
from ihas.config.run import RunOptions
from ihas.config.transformer import TransformerLearning
from service.states import JobStage, JobState
from service.storage.catalogue import Dataset, DatasetState, ModelVersion
from service.storage.job import Event, Job

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Moment = Annotated[datetime, PlainSerializer(lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), str)]
Priority = Annotated[int, Field(ge=-100, le=100)]
FileFormat = Literal["auto", "csv", "parquet", "jsonl", "sequences"]


class DatasetCreate(Config):
    """A data set to create: the settings of `ihas.config.DataConfig`, but for `valid_path` and `test_path`.

    These do not exist over HTTP: a data set is one file, whose parts a search draws by `learning.split`. Rows that belong to a
    part already go into the same file, with a column for `learning.split.column`.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name for people."""
    format: FileFormat = "auto"
    """Format of the file; `auto` goes by a path's suffix, or by an upload's first bytes."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between CSV cells; without it, it is told from the header."""
    columns: SchemaConfig = SchemaConfig()
    """What is known about the columns; the rest is inferred."""
    interactions: InteractionColumns | None = None
    """Where set, the file is a table of interactions (who, what, when), for searches with `overrec` or `transformer`."""
    path: str | None = Field(default=None, min_length=1)
    """A file that the service can read already; without it, the file is uploaded."""
    uri: str | None = Field(default=None, min_length=1, max_length=2_000)
    """A file that the service fetches from one of its places; the answer comes when the file has."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    """Digest of the file at `uri`, hexadecimal; other bytes are refused."""

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if self.path is not None and self.uri is not None:
            raise ValueError("`path` and `uri` name two files. Leave one out.")
        if self.sha256 is not None and self.uri is None:
            raise ValueError("`sha256` is of the file at `uri`. An upload says its digest in `X-Content-SHA256`.")
        return self


class DatasetPublic(Config):
    """A data set."""

    id: str
    """Its name in paths."""
    name: str
    """Name for people."""
    state: DatasetState
    """`uploading` waits for the file, `validating` for the check; only a `valid` one may be searched on."""
    size: int | None
    """Bytes of the uploaded file."""
    sha256: str | None
    """Digest of the file, hexadecimal; of one named by path, once it was checked."""
    error: dict[str, Any] | None
    """Why it cannot be used: `code`, `detail`, and `findings` with row and column."""
    created_at: Moment
    """When it was created."""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The wire form of a data set."""
        shown = {name: getattr(dataset, name) for name in ("id", "name", "state", "size", "sha256", "error")}
        return cls(**shown, created_at=moment(dataset.created_at))


class DatasetsPublic(Config):
    """A page of data sets, newest first."""

    datasets: tuple[DatasetPublic, ...]
    """The page."""
    next_cursor: int | None
    """Where the next page begins; absent on the last one."""


class SearchCreate(Config):
    """A search to submit."""

    name: Name
    """Name of the model that comes out; a name that exists gets another version."""
    dataset_id: str
    """A valid data set."""
    learning: LearningConfig = LearningConfig()
    """What is learnt."""
    overrec: OverRecLearning | None = None
    """Where set, the search makes a recommender of the next item from a data set of sequences, without training; `learning` is not read."""
    transformer: TransformerLearning | None = None
    """Where set, the search trains a sequential transformer on a data set of sequences; `learning` is not read."""
    run: RunOptions = RunOptions()
    """How it is run."""
    budget: BudgetConfig = BudgetConfig()
    """What it must keep within; the result certifies it. For searches with `learning` alone."""
    priority: Priority = 0
    """A higher one is begun first, among those of the same tenant and of others."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.overrec is not None and self.transformer is not None:
            raise ValueError("A search makes one model, but got both `overrec` and `transformer`. Leave one of them out.")
        if self.settings != "learning" and self.budget != BudgetConfig():
            raise ValueError(f"A budget is kept by searches with `learning`, but got one with `{self.settings}`. Leave it out.")
        return self

    @property
    def settings(self) -> str:
        """Which of the groups of settings is read: `learning`, `overrec` or `transformer`."""
        return next((kind for kind in ("overrec", "transformer") if getattr(self, kind) is not None), "learning")


class SearchClone(Config):
    """A search like another one, but for what is said here."""

    name: Name | None = None
    """Name of the model that comes out; without it, the other one's."""
    learning: dict[str, Any] = {}
    """Settings that win over the other one's `learning`, `overrec` or `transformer`, group by group: `{"training": {"epochs": 3}}`."""
    run: dict[str, Any] = {}
    """How it is run, where that differs."""
    budget: BudgetConfig | None = None
    """What it must keep within; without it, the other one's."""
    priority: Priority = 0
    """A higher one is begun first."""


class SearchPublic(Config):
    """A search."""

    id: str
    """Its name in paths."""
    name: str
    """Name of the model that comes out."""
    dataset_id: str
    """Data set that it works on."""
    priority: int
    """A higher one is begun first."""
    state: JobState
    """Where it stands."""
    stage: JobStage | None
    """What it is doing while it runs, and what it was doing when it ended; absent while it waits."""
    attempt: int
    """Times that a worker began it."""
    progress: float
    """Share of the run that is done, 0 to 1."""
    eta_s: float | None
    """Seconds that the rest is expected to take, once that can be told."""
    heartbeat_age_s: float | None
    """Seconds since its worker was last heard of, while it runs."""
    message: str
    """What it is doing, for a person."""
    error: dict[str, Any] | None
    """Why it failed: `code`, `detail`, and what else is known."""
    model_version: int | None
    """Version of the model that came out."""
    created_at: Moment
    """When it was submitted."""
    started_at: Moment | None
    """When a worker first began it."""
    finished_at: Moment | None
    """When it finished."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """The wire form of a search."""
        names = ("id", "name", "dataset_id", "priority", "state", "stage", "attempt", "eta_s", "heartbeat_age_s", "message", "error")
        times = {name: moment(getattr(job, name)) for name in ("created_at", "started_at", "finished_at")}
        shown = {name: getattr(job, name) for name in names}
        return cls(**shown, **times, model_version=job.model_version, progress=job.fraction)


class SearchesPublic(Config):
    """A page of searches, newest first."""

    searches: tuple[SearchPublic, ...]
    """The page."""
    next_cursor: int | None
    """Where the next page begins; absent on the last one."""


class EventPublic(Config):
    """A moment of a search; the `data` of a server-sent event, whose `id` is the event's."""

    id: int
    """1, 2, 3, ... within the search, without gaps."""
    at: Moment
    """When."""
    state: JobState
    """Where the search stood."""
    stage: JobStage | None
    """What it was doing; absent while it waited."""
    attempt: int
    """Times that a worker had begun it."""
    progress: float
    """Share of the run that was done, 0 to 1."""
    eta_s: float | None
    """Seconds that the rest was expected to take."""
    message: str
    """What it was doing, for a person."""
    metrics: dict[str, float]
    """Figures of the moment, for example the validation AUC of an epoch."""
    error: dict[str, Any] | None
    """Why it failed."""

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
    """Search that it came out of."""
    created_at: Moment
    """When it was registered."""

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        """The wire form of a version."""
        return cls(name=version.name, version=version.version, search_id=version.job_id, created_at=moment(version.created_at))


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
    """The version that answers; absent where none can be loaded."""
    problem: str | None
    """Why no version can be loaded."""
    summary: dict[str, Any]
    """What the search found, as its bundle carries it."""
    versions: tuple[ModelVersionPublic, ...]
    """All versions, newest first."""


class Health(Config):
    """That the process is well."""

    status: Literal["alive", "ready", "degraded"]
    """`alive` answers; `ready` also reaches the database and serves a version of every model; `degraded` is ready, but the shared model
    serves some groups, whose own failed its check."""
    models: dict[str, int] = {}
    """Versions in use, by name."""
    degraded: dict[str, tuple[int, ...]] = {}
    """Groups that the shared model serves, by name of the model."""


def next_cursor(found: Sequence[Job] | Sequence[Dataset], limit: int) -> int | None:
    """Where the page after `found` begins."""
    return found[-1].number if len(found) == limit else None


def moment(seconds: float | None) -> Any:
    """Seconds since 1970 as a time of the wire."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
