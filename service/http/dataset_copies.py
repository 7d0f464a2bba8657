"""A data set of the file of another one, read with other columns."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ihas.errors import RequestError
from ihas_service.errors import ConflictError
from ihas_service.http.schemas.searches import DatasetCreate
from ihas_service.http.wording import worded
from ihas_service.storage.catalogue import Dataset

PIECE_BYTES = 1_048_576
READING = {"format", "delimiter", "quoting", "escape", "names", "encoding", "decimal", "thousands", "columns", "interactions", "labelled"}
"""Settings of a data set that say how its file is read."""


def copied_reading(original: Dataset, body: DatasetCreate) -> dict[str, Any]:
    """How the copy's file is read: as the original's, but for what the body states.

    Raises:
        RequestError: both together break a rule.
    """
    stated = body.model_fields_set & READING
    kept = {name: value for name, value in original.reading.items() if name not in stated}
    try:
        merged = DatasetCreate.model_validate({"name": body.name, **kept, **body.model_dump(mode="json", include=stated)})
    except ValidationError as error:
        raise RequestError(f"Together with how {original.id} is read: {worded(error.errors()[0])}") from error
    return merged.model_dump(mode="json", include=READING)


def file_of(original: Dataset) -> str:
    """Path of the one file of a data set, absolute where it was named by path, else relative to the service's folder.

    Raises:
        ConflictError: no file has come yet, or rows were appended.
    """
    if original.path is None:
        raise ConflictError(f"Data set {original.id} is {original.state} and has no file to copy. Upload one.")
    if original.appended:
        files = 1 + len(original.appended)
        raise ConflictError(f"A copy takes one file, but data set {original.id} has {files}: rows were appended. Upload them as one file.")
    return original.path


def pieces(path: Path) -> Generator[bytes, None, None]:
    """The bytes of an uploaded file.

    Raises:
        ConflictError: it is gone.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise ConflictError("The file of the data set is gone. Upload it again.") from error
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece
