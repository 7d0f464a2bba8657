"""Errors of the library as exit codes, the same ones for a command and for a run that another process reports."""

from __future__ import annotations

import pytest

from ihas.errors import BudgetError, BundleCorruptError, ClusterError, ConfigError, DataError, IhasError, RequestError, TrainingError
from ihas_pipelines.runs.child import error_document
from ihas_pipelines.runs.exit_codes import EXIT_CODES, CommandError, ExitCode, exit_code, exit_code_of


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("x"), 2), (DataError("x"), 4), (RequestError("x"), 4), (BundleCorruptError("x"), 4), (TrainingError("x"), 5)],
)
def test_an_error_has_one_code(error: IhasError, code: int) -> None:
    """Wrong settings are 2, invalid data 4, and work that failed is 5."""
    assert exit_code(error) == code


@pytest.mark.parametrize("error", [ConfigError("x"), DataError("x"), TrainingError("x"), BudgetError("x"), ClusterError("x")])
def test_a_run_that_reports_an_error_has_its_code(error: Exception) -> None:
    """The error document of a child leads to the code that the error itself has."""
    assert exit_code_of(error_document(error)["code"]) == exit_code(error)


def test_a_command_chooses_its_code_and_every_code_has_a_meaning() -> None:
    """A `CommandError` carries a code; the help lists all of them."""
    assert exit_code(CommandError("x", ExitCode.TIMEOUT)) == 6
    assert set(EXIT_CODES) == set(ExitCode)
