"""What answers of a trial earned, summed up by the hour of the answer as it is given and as events come in.

An answer has a value: its clicks or, of an interleaved one, the clicks on the other version's items minus those on the champion's. Sums of
the values and of their squares give means and variances, so that a look at a trial reads hours and not answers. Every answer counts, also
one that nobody reported anything of: otherwise answers without clicks would be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from ihas_service.storage.database import Database
from ihas_service.storage.tables import TRIAL_SUMS

KEYS = ("hour", "tenant", "model", "trial", "version")
FIGURES = ("answers", "total", "squares", "wins", "losses")
Key = tuple[int, str, str, int, int]
"""Hours since 1970, tenant, model, trial, version; the negative number of a version that is interleaved with the champion."""


@dataclass(frozen=True, slots=True)
class TrialSums:
    """Sums of one version in one trial.

    Attributes:
        answers: that it gave; or that were interleaved.
        total: of their values.
        squares: of their values.
        wins: interleaved answers with a value above 0.
        losses: those with a value below 0.
    """

    answers: int = 0
    total: int = 0
    squares: int = 0
    wins: int = 0
    losses: int = 0


class Changes:
    """What one transaction adds to the sums."""

    def __init__(self) -> None:
        self._found: dict[Key, list[int]] = {}

    def answer(self, key: Key) -> None:
        """Count an answer, of which nothing is known yet."""
        self._sums(key)[0] += 1

    def value(self, key: Key, before: int, after: int) -> None:
        """An answer's value changed."""
        if before == after:
            return
        sums = self._sums(key)
        for place, more in enumerate(_figures(after), start=1):
            sums[place] += more - _figures(before)[place - 1]

    def write(self, connection: sa.Connection) -> None:
        """Add them, always in the same order, so that two transactions wait for each other in one direction only."""
        for key in sorted(self._found):
            _write(connection, key, dict(zip(FIGURES, self._found[key], strict=True)))

    def _sums(self, key: Key) -> list[int]:
        return self._found.setdefault(key, [0] * len(FIGURES))


def _figures(value: int) -> tuple[int, int, int, int]:
    return value, value * value, int(value > 0), int(value < 0)


def _write(connection: sa.Connection, key: Key, more: Mapping[str, int]) -> None:
    """Add to a row; one is made for answers only, since clicks on answers whose sums were deleted count nowhere."""
    same = sa.and_(*(TRIAL_SUMS.c[name] == value for name, value in zip(KEYS, key, strict=True)))
    summed = {name: TRIAL_SUMS.c[name] + figure for name, figure in more.items()}
    if connection.execute(TRIAL_SUMS.update().where(same).values(**summed)).rowcount == 0 and more["answers"]:
        connection.execute(TRIAL_SUMS.insert().values(**dict(zip(KEYS, key, strict=True)), **more))


def sums_of(database: Database, tenant: str, model: str, trial: int) -> Mapping[int, TrialSums]:
    """Sums of each version of a trial; of one that is interleaved under its negative number."""
    own = (TRIAL_SUMS.c.tenant == tenant) & (TRIAL_SUMS.c.model == model) & (TRIAL_SUMS.c.trial == trial)
    totals = [sa.func.sum(TRIAL_SUMS.c[name]).label(name) for name in FIGURES]
    found = database.read(sa.select(TRIAL_SUMS.c.version, *totals).where(own).group_by(TRIAL_SUMS.c.version))
    return {row["version"]: TrialSums(*(int(row[name]) for name in FIGURES)) for row in found}
