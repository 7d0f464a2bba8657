"""The protocol between a child process and its parent: one JSON object a line on the child's standard output.

The parent is the worker or the command line. A run prints `Progress` lines, the last with `outcome`; an inspection prints one line that
is read as an `Outcome`. A line in no such form belongs into the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ihas.config.base import Config

StageName = Literal["reading", "base", "distil", "search", "cluster", "retrain", "evaluate"]
OLD_STAGES: Mapping[str, StageName] = {
    "validating": "reading", "searching": "search", "clustering": "cluster", "retraining": "retrain", "evaluating": "evaluate"
}  # fmt: skip
"""Today's names of the stages that version 0.1.0 wrote; its `searching` also covered `base` and `distil`."""


class Progress(Config):
    """One line."""

    stage: StageName
    """Stage of the run: `base` trains the plain model, `distil` teacher and student, `search` the gates or the settings."""
    message: str
    """A sentence for a person."""
    fraction: float
    """Share of the whole run that is done, 0 to 1."""
    eta_s: float | None = None
    """Estimated seconds until the end; absent until there is an estimate."""
    metrics: dict[str, float] = {}
    """Metrics of this moment, for example the validation AUC of an epoch."""
    outcome: Literal["running", "succeeded", "failed"] = "running"
    """`succeeded` or `failed` on the last line."""
    error: dict[str, Any] | None = None
    """On failure: `code` (config, data, training, budget, busy, disk, internal), `detail`, and `findings` for bad data."""

    @field_validator("stage", mode="before")
    @classmethod
    def _of_today(cls, name: Any) -> Any:
        return OLD_STAGES.get(name, name) if isinstance(name, str) else name


class Outcome(BaseModel):
    """The last line of a run or of an inspection."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    outcome: Literal["succeeded", "failed"]
    """How it ended."""
    report: dict[str, Any] | None = None
    """Of an inspection: profile of the data and findings."""
    sha256: str | None = None
    """Of an inspection: digest of the file that was checked."""
    error: dict[str, Any] | None = None
    """Reason of a failure: `code`, `detail`, and `findings` for bad data."""


Report = Callable[[Progress], None]


class Source(Protocol):
    """What `follow` needs of a child process."""

    def lines(self) -> Iterator[str]:
        """Lines of its standard output, until it closes."""

    def note(self, line: str) -> None:
        """Add a line to its log."""


def follow(child: Source, report: Report) -> Outcome | None:
    """Report every progress line of a child until its output closes; its last line, None where it printed none."""
    outcome = None
    for line in child.lines():
        parsed = read_line(line)
        if isinstance(parsed, Outcome):
            outcome = parsed
        elif parsed is None:
            child.note(line)
        else:
            report(parsed)
    return outcome


def read_line(line: str) -> Progress | Outcome | None:
    """A line of a child; None for one that is not of the protocol."""
    for form in (Outcome, Progress):
        try:
            return form.model_validate_json(line)
        except ValidationError:
            continue
    return None
