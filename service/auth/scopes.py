"""What a key may do; which of it a request needs, the policy of its route says (`service.http.policy`)."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """Something that a key may do for its tenant."""

    READ = "read"
    """Look at data sets, searches, models and figures."""
    DATA = "data"
    """Create and upload data sets."""
    SEARCH = "search"
    """Submit, stop and resume searches."""
    MODELS = "models"
    """Decide which version answers."""
    SCORE = "score"
    """Ask models, and report what came of it."""
    ADMIN = "admin"
    """Create and end keys."""
    METRICS = "metrics"
    """Read the figures of the whole process, of all tenants; for whoever runs the service."""


EVERYTHING = frozenset(Scope)
OF_A_TENANT = EVERYTHING - {Scope.METRICS}
