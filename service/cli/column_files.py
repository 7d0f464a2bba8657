"""`ihas inspect --write`: what each column is, as a file that a recipe takes."""

from __future__ import annotations

from pathlib import Path

from ihas.data.findings import ValidationReport
from ihas.errors import ConfigError
from ihas.folders import write_whole


def write_columns(report: ValidationReport, path: Path) -> None:
    """Write the columns of a report to a new file, whole or not at all.

    Raises:
        ConfigError: the file exists, its folder does not, or the report is of no table with labels.
    """
    from ihas.data.column_file import column_file

    if path.exists():
        raise ConfigError(f"The file for the columns must not exist yet, but {path} does. Name another one, or remove it.")
    try:
        write_whole(path, column_file(report))
    except OSError as error:
        raise ConfigError(f"The columns must be written to a file, but {path} cannot be ({error.strerror}). Name another one.") from error
