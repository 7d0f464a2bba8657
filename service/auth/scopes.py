"""What a key may do; which of it a request needs, the policy of its route says (`ihas_service.http.policy`)."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A scope of a key, within its tenant."""

    READ = "read"
    """Read data sets, searches, models and metrics."""
    DATA = "data"
    """Create and upload data sets, and read what was shown to whom."""
    SEARCH = "search"
    """Submit, stop and resume searches."""
    MODELS = "models"
    """Promote, roll back and split traffic."""
    SCORE = "score"
    """Score and recommend, and report events."""
    ADMIN = "admin"
    """Create and revoke keys."""
    METRICS = "metrics"
    """Read metrics of the whole process, over all tenants; for operators."""


EVERYTHING = frozenset(Scope)
OF_A_TENANT = EVERYTHING - {Scope.METRICS}
