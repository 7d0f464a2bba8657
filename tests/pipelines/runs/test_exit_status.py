"""Errors of the library as exit statuses, and no others."""

from __future__ import annotations

import pytest

from ihas.errors import ConfigError, DataError, TrainingError
from pipelines.runs.exit_status import status_of


@pytest.mark.parametrize(("error", "status"), [(ConfigError, 4), (DataError, 4), (TrainingError, 5)])
def test_an_error_is_said_and_becomes_the_status(error: type[Exception], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input is 4, work that failed 5, and the law is on standard error."""

    def work() -> None:
        raise error("The law.")

    assert status_of(work) == status
    assert capsys.readouterr().err == "The law.\n"


def test_success_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Work that ends well is 0 and says nothing."""
    assert status_of(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_ours_is_not_hidden() -> None:
    """An error that is not the library's keeps its traceback."""

    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        status_of(work)
