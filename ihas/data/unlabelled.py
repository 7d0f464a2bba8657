"""Tables without a label, which are answered and not learnt from."""

from __future__ import annotations

from ihas.config.data import DataConfig
from ihas.data.appending import read_files
from ihas.data.findings import ValidationReport
from ihas.data.reading import options_of
from ihas.data.schema import Field, Schema
from ihas.data.validation import profile_of


def inspect_rows(data: DataConfig) -> ValidationReport:
    """What is in the files; every column is shown as a field, and the label has no name.

    Raises:
        DataError: a file cannot be read as a table, or the files do not fit together.
    """
    files = read_files(data.paths, options_of(data))
    schema = Schema(label="", fields=tuple(Field(name=name, kind="categorical") for name in files.rows.column_names if name))
    profiles = tuple(profile_of(files.rows, name, schema) for name in files.rows.column_names)
    return ValidationReport(rows=files.rows.num_rows, findings=tuple(files.notes.kept), profiles=profiles, columns=schema)
