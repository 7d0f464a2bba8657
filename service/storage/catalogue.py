"""Data sets and model versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from ihas.config.data import DataConfig
from ihas_service.storage.promotion_settings import PromotionSettings
from ihas_service.storage.room import Room
from ihas_service.storage.tenants import LOCAL


class DatasetState(StrEnum):
    """State of a data set."""

    UPLOADING = "uploading"
    """Waits for its file."""
    VALIDATING = "validating"
    """The file is being checked."""
    VALID = "valid"
    """Searches may use it; final."""
    INVALID = "invalid"
    """The report says why; another file may be uploaded."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that arrived.

    Attributes:
        path: where it lies, relative to the service's folder.
        size: bytes.
        sha256: digest, hexadecimal.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class NewDataset:
    """A data set to add.

    Attributes:
        reading: JSON object; the settings of `DataConfig` but for paths, and `labelled`.
        path: absolute path of a file that lies here already.
        tenant: whose it is.
        upload: a file that has arrived already.
        id: where that file lies is below this id; a new one where it is None.
        limits: JSON object; how much appended rows may differ (`ihas.data.growth.GrowthLimits`); None for no limits.
    """

    name: str
    reading: Mapping[str, Any]
    path: str | None = None
    tenant: str = LOCAL
    upload: Upload | None = None
    id: str | None = None
    limits: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """Rows to append to a data set.

    Attributes:
        upload: the file that holds them, below the data set's folder.
        actor: who appends them.
        key: idempotency key of the request, within the tenant.
    """

    dataset_id: str
    upload: Upload
    actor: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A version of a data set, without its report. Times are seconds since 1970.

    Attributes:
        version: 1, 2, 3, ... within the data set; none is given twice.
        parent: version to which rows were appended; None for the first one.
        size: bytes of the appended file.
        file_sha256: its digest.
        sha256: digest of the version's whole table (`ihas.folders.joined_digest`).
        rows: of the whole table; None before its check has ended well.
        actor: who appended; None where that is not known.
    """

    version: int
    state: DatasetState
    parent: int | None
    size: int | None
    file_sha256: str | None
    sha256: str | None
    rows: int | None
    job_id: str | None
    error: Mapping[str, Any] | None
    actor: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Dataset:
    """A version of a data set. Times are seconds since 1970.

    Attributes:
        tenant: whose it is.
        path: of the first version's file, absolute for a file named by path, relative to the service's folder for an upload.
        size: bytes of all files of the version.
        sha256: digest of the version's table.
        referenced: whether the file was named by path.
        job_id: job that checks it.
        report: what the check found.
        error: why the data set cannot be used.
        deleted_at: when it was deleted; it is kept for as long as a job names it, for that job's sake, and shown to nobody.
        limits: how much appended rows may differ.
        version: 1 for the rows that the data set began with.
        appended: files of the versions up to this one, relative to the service's folder, in the order of their rows.
    """

    number: int
    id: str
    tenant: str
    name: str
    state: DatasetState
    reading: Mapping[str, Any]
    path: str | None
    referenced: bool
    size: int | None
    sha256: str | None
    job_id: str | None
    report: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    created_at: float
    deleted_at: float | None = None
    limits: Mapping[str, Any] | None = None
    version: int = 1
    appended: tuple[str, ...] = ()

    def data_config(self, folder: Path) -> DataConfig:
        """How a run reads the files; `folder` is the service's."""
        root = folder.resolve()
        files = {"path": str(root / str(self.path)), "appended": [str(root / path) for path in self.appended]}
        reading = {name: value for name, value in self.reading.items() if name != "labelled"}
        return DataConfig.model_validate({**reading, **files})

    @property
    def labelled(self) -> bool:
        """Whether rows have a label; others are answered, and not learnt from."""
        return bool(self.reading.get("labelled", True))


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model.

    Attributes:
        version: 1, 2, 3, ... within the name.
        path: bundle folder, relative to the service's folder.
        job_id: job that trained it.
        facts: JSON object; what was known when it was registered: `sha256` of the bundle's manifest, `chosen`, `test`.
        tenant: whose it is.
        bytes: of the bundle.
        candidate: whether it serves only once it is promoted.
        gates: what its gates said as it was registered (`ihas_pipelines.runs.gates.GatesVerdict`); None where none were evaluated.
    """

    tenant: str
    name: str
    version: int
    path: str
    job_id: str
    facts: Mapping[str, Any]
    created_at: float
    bytes: int = 0
    candidate: bool = False
    gates: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewBundle:
    """A bundle to register.

    Attributes:
        path: its folder, relative to the service's.
        facts: JSON object; as those of a version, and the `bytes` of the bundle.
    """

    path: str
    facts: Mapping[str, Any]


class Catalogue(Protocol):
    """Data sets and model versions.

    **Data sets** move uploading -> validating -> valid or invalid. Rows that are appended to a valid one make its next version, which
    moves validating -> valid or invalid; a valid version never changes, and the newest valid one is in use. **Model versions** are added
    together with the success of the job that trained them; their numbers run within tenant and name, and none is given twice, also where
    its version was deleted. Ids are opaque: nothing
    may be read from them, and no path is built from an id that was not found here.
    """

    def add_dataset(self, new: NewDataset, max_bytes: int = 0) -> Dataset:
        """Add a data set; one with a file is queued for its check in the same transaction.

        Raises:
            QuotaError: `max_bytes` is above 0, and the tenant's files would take more.
        """
        ...

    def receive_upload(self, dataset_id: str, upload: Upload, max_bytes: int = 0) -> Dataset:
        """Take over an uploaded file and queue its check.

        Raises:
            QuotaError: `max_bytes` is above 0, and the tenant's files would take more.
            UnknownIdError: no such data set, or it was deleted.
            ConflictError: it is being checked, is valid, or was named by path.
        """
        ...

    def dataset_room(self, tenant: str, max_bytes: int, without: str = "") -> Room:
        """What a tenant's uploaded files take, but for that of the data set `without`."""
        ...

    def search_room(self, tenant: str, max_bytes: int) -> Room:
        """What a tenant's run folders, estimates and bundles take."""
        ...

    def dataset(self, dataset_id: str, version: int | None = None) -> Dataset:
        """A version of a data set, the one in use by default; also one that was deleted, as long as a job names it.

        Raises:
            UnknownIdError: no such data set, or it has no such version.
        """
        ...

    def append(self, new: NewVersion, max_bytes: int = 0) -> DatasetVersion:
        """Take over a file of more rows as the next version, and queue its check; the same key and file give the same version.

        Raises:
            QuotaError: `max_bytes` is above 0, and the tenant's files would take more.
            UnknownIdError: no such data set, or it was deleted.
            ConflictError: it is not valid, or a version of it is being checked, or it has as many as it may have.
            KeyReusedError: the key came before, with something else.
        """
        ...

    def check_takes_rows(self, dataset_id: str, key: str | None = None) -> None:
        """ConflictError where `append` would raise it now, unless a request with this key came before."""
        ...

    def dataset_versions(self, dataset_id: str, before: int | None, limit: int) -> Sequence[DatasetVersion]:
        """Versions of a data set with a number below `before`, newest first; none that were deleted."""
        ...

    def limit_growth(self, dataset_id: str, limits: Mapping[str, Any]) -> None:
        """Set how much rows that are appended from now on may differ."""
        ...

    def dataset_files(self, dataset_id: str) -> frozenset[str]:
        """Paths of all files of a data set's versions; empty for one that does not exist, or was deleted."""
        ...

    def datasets(self, before: int | None, limit: int, tenant: str = LOCAL) -> Sequence[Dataset]:
        """A tenant's data sets with a number below `before`, newest first."""
        ...

    def register(
        self, base: ModelVersion, name: str, bundle: NewBundle, message: str, newest: int | None = None, max_bytes: int = 0
    ) -> ModelVersion:
        """Add a version that came of another one without a search, in one transaction with the job that says so.

        Args:
            base: the version that it came of; data set and settings are that one's.
            name: name of the model, which may be another one.
            bundle: its own.
            message: how it came to be, for a person.
            newest: number that must be the name's highest before.
            max_bytes: that the tenant's searches and models may take; 0 for no limit.

        Raises:
            ConflictError: `newest` is not the highest.
            QuotaError: they would take more.
        """
        ...

    def models(self, tenant: str | None = None) -> Sequence[ModelVersion]:
        """The newest version of every name, by name; of one tenant, or of all."""
        ...

    def versions(self, name: str, tenant: str = LOCAL) -> Sequence[ModelVersion]:
        """All versions of a tenant's name, newest first; empty for an unknown name."""
        ...

    def promotion(self, tenant: str, name: str) -> PromotionSettings:
        """Which new versions of a tenant's name go live without a person; the settings by default where nobody made any."""
        ...

    def serving_version(self, tenant: str, name: str) -> ModelVersion | None:
        """The version that is to serve under a tenant's name: the champion, or the newest one that is no candidate; None where none is."""
        ...
