"""Fields of users and of items, as commands take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from ihas.errors import DataError
from ihas.findings import Finding
from ihas_service.client.batching import refused_row
from ihas_service.client.client import Client
from ihas_service.client.put_file import put_batches
from ihas_service.client.transfer import Document
from ihas_service.errors import InvalidError


def import_file(client: Client, path: str, file: Path, noun: str, column: str) -> Document | None:
    """Send the rows of a file to the path that takes many; the last answer, None of an empty file.

    Raises:
        DataError: a row cannot be read, or is refused; says which. Those of the batches before were put.
    """
    found: Document | None = None
    for batch in put_batches(file, noun, column):
        try:
            found = client.document("PUT", path, json={f"{noun}s": batch.rows})
        except InvalidError as error:
            raise _refused(error, batch.first, f"{noun}s") from error
    return found


def _refused(error: InvalidError, first: int, members: str) -> DataError | InvalidError:
    """The refusal of a batch, by the row that it is about."""
    found = refused_row(error, first, members)
    if found is None:
        return error
    law = f"Row {found.number:,} is refused: {found.detail} Rows before {first:,} were put; once more does no harm."
    return DataError(law, [Finding.model_validate({"severity": "error", "code": "fields", "message": law, "row": found.number})])


def fields_of(text: str, what: str) -> dict[str, Any]:
    """Fields as JSON; typer's BadParameter for anything else."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{what} must be JSON, but got {text[:80]!r}: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{what} must be a JSON object, but got {text[:80]!r}")
    return found
