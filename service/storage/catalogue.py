"""Data sets and model versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from ihas.config.data import DataConfig
from service.storage.promotion_settings import PromotionSettings
from service.storage.room import Room
from service.storage.tenants import LOCAL


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
        reading: JSON object; `format`, `delimiter`, `quoting`, `escape`, `columns` and `interactions` of `DataConfig`.
        path: absolute path of a file that lies here already.
        tenant: whose it is.
        upload: a file that has arrived already.
        id: where that file lies is below this id; a new one where it is None.
    """

    name: str
    reading: Mapping[str, Any]
    path: str | None = None
    tenant: str = LOCAL
    upload: Upload | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as the table has it. Times are seconds since 1970.

    Attributes:
        tenant: whose it is.
        path: absolute for a file named by path, relative to the service's folder for an upload.
        referenced: whether the file was named by path.
        job_id: job that checks it.
        report: what the check found.
        error: why the data set cannot be used.
        deleted_at: when it was deleted; it is kept for as long as a job names it, for that job's sake, and shown to nobody.
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

    def data_config(self, folder: Path) -> DataConfig:
        """How a run reads the file; `folder` is the service's."""
        return DataConfig.model_validate({**self.reading, "path": str(folder.resolve() / str(self.path))})


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
        gates: what its gates said as it was registered (`pipelines.runs.gates.GatesVerdict`); None where none were evaluated.
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

    **Data sets** move uploading -> validating -> valid or invalid; a valid one never changes. **Model versions** are added
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

    def dataset(self, dataset_id: str) -> Dataset:
        """One data set, also one that was deleted, as long as a job names it.

        Raises:
            UnknownIdError: no such data set.
        """
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
