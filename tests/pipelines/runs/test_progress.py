"""The protocol between a child process and its parent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from ihas_pipelines.runs.progress import OLD_STAGES, Outcome, Progress, follow, read_line


class Recorded:
    """A child whose output is known.

    Attributes:
        noted: lines that went into its log.
    """

    def __init__(self, *lines: str) -> None:
        self._lines, self.noted = lines, list[str]()

    def lines(self) -> Iterator[str]:
        """The output."""
        yield from self._lines

    def note(self, line: str) -> None:
        """Keep a line."""
        self.noted.append(line)


def test_lines_are_progress_an_outcome_or_noise() -> None:
    """Progress is reported in order, the last line with an outcome is returned, and everything else is logged."""
    first = Progress(stage="base", message="Training", fraction=0.1)
    last = Progress(stage="evaluate", message="done", fraction=1.0, outcome="succeeded")
    child, heard = Recorded(first.model_dump_json(), "a library's greeting", "{}", last.model_dump_json()), list[Progress]()

    assert follow(child, heard.append) == Outcome(outcome="succeeded")
    assert heard == [first]
    assert child.noted == ["a library's greeting", "{}"]


def test_a_child_that_says_nothing_has_no_outcome() -> None:
    """A process that died before its last line is told from one that failed."""
    assert follow(Recorded(), lambda _: None) is None


@pytest.mark.parametrize(("old", "new"), OLD_STAGES.items())
def test_stages_of_older_lines_have_todays_names(old: str, new: str) -> None:
    """A line that version 0.1.0 wrote is read with the name that its stage has now."""
    line = read_line(f'{{"stage": "{old}", "message": "x", "fraction": 0.5}}')
    assert isinstance(line, Progress)
    assert line.stage == new


def test_other_stages_are_refused() -> None:
    """Clients can rely on the seven stages."""
    with pytest.raises(ValidationError):
        Progress.model_validate({"stage": "thinking", "message": "x", "fraction": 0.5})
