"""What the faults did: a line for each kind, and what was found wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

COLUMNS = ("tries", "jobs", "answers", "lost", "doubled", "wrong answers", "5xx", "other results")


@dataclass
class Count:
    """What one kind of fault did.

    Attributes:
        tries: faults.
        jobs: jobs that were under way or submitted under it.
        answers: answers that were compared with those of the process itself.
        lost: jobs that did not come to their end.
        doubled: jobs, versions or events that are there twice.
        wrong: answers that differ.
        fives: answers with a 5xx where none may be.
        differ: results that are not those of the undisturbed run, and states that should not be.
    """

    tries: int = 0
    jobs: int = 0
    answers: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    fives: int = 0
    differ: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.lost or self.doubled or self.wrong or self.fives or self.differ)


@dataclass
class Ledger:
    """Counts by kind, in the order in which the kinds came; safe to write from several threads.

    Attributes:
        counts: by kind.
        found: what was wrong, in words.
        left_out: kinds that this machine cannot try, with the reason.
    """

    counts: dict[str, Count] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, **more: int) -> None:
        """Count."""
        with self._lock:
            count = self.counts.setdefault(kind, Count())
            for name, number in more.items():
                setattr(count, name, getattr(count, name) + number)

    def wrong(self, kind: str, name: str, words: str) -> None:
        """Count one thing that is wrong, and say it."""
        self.add(kind, **{name: 1})
        with self._lock:
            self.found.append(f"{kind}: {name}: {words}")

    @property
    def tries(self) -> int:
        """All faults."""
        return sum(count.tries for count in self.counts.values())

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong anywhere."""
        return all(count.clean for count in self.counts.values())

    def markdown(self) -> str:
        """A table of all kinds, and their sum."""
        lines = ["| kind of fault | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
        lines += [_row(kind, asdict(count).values()) for kind, count in self.counts.items()]
        sums = [sum(column) for column in zip(*(asdict(count).values() for count in self.counts.values()), strict=True)]
        lines.append(_row("**all**", sums))
        lines += [f"\nNot tried, {kind}: {reason}" for kind, reason in self.left_out.items()]
        return "\n".join(lines) + "\n"

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        counts = {kind: asdict(count) for kind, count in self.counts.items()}
        return {"tries": self.tries, "clean": self.clean, "kinds": counts, "found": self.found, "left_out": self.left_out}

    def write(self, folder: Path, **more: Any) -> None:
        """faults.md and faults.json in a folder."""
        (folder / "faults.md").write_text(self.markdown(), encoding="utf-8")
        (folder / "faults.json").write_bytes(orjson.dumps(self.document() | more, option=orjson.OPT_INDENT_2))


def _row(kind: str, values: Iterable[int]) -> str:
    return f"| {kind} | " + " | ".join(f"{value:,}" for value in values) + " |"
