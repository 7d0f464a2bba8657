"""What a key may do, and what a request needs."""

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
PUBLIC = frozenset({"/livez", "/readyz", "/startupz", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"})
PUBLIC_V2 = frozenset({"/v2", "/v2/", "/v2/health/live", "/v2/health/ready"})
ASKING = ("/score", "/recommend", "/what-if", "/infer")
WRITES = {"datasets": Scope.DATA, "searches": Scope.SEARCH, "models": Scope.MODELS, "events": Scope.SCORE}


def needed(method: str, path: str) -> Scope | None:
    """What a request needs; None for one that needs no key. What no rule names needs the scope that few keys have."""
    if method == "POST" and path.endswith(ASKING):
        return Scope.SCORE
    if path in PUBLIC or path in PUBLIC_V2:
        return None
    if path == "/metrics":
        return Scope.METRICS
    version, _, rest = path.removeprefix("/").partition("/")
    noun = rest.partition("/")[0]
    if version not in ("v1", "v2") or noun == "keys":
        return Scope.ADMIN
    if method in ("GET", "HEAD"):
        return Scope.READ
    return WRITES.get(noun, Scope.ADMIN)
