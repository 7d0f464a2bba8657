"""What a request needs."""

from __future__ import annotations

import pytest

from service.auth.scopes import Scope, needed

RULES = {
    ("GET", "/livez"): None,
    ("GET", "/openapi.json"): None,
    ("GET", "/v2/health/ready"): None,
    ("GET", "/metrics"): Scope.METRICS,
    ("GET", "/v1/models"): Scope.READ,
    ("GET", "/v1/searches/sr_1/events"): Scope.READ,
    ("POST", "/v1/datasets"): Scope.DATA,
    ("PUT", "/v1/datasets/ds_1/content"): Scope.DATA,
    ("POST", "/v1/searches/sr_1/cancel"): Scope.SEARCH,
    ("PUT", "/v1/models/films/aliases/champion"): Scope.MODELS,
    ("POST", "/v1/models/films/rollback"): Scope.MODELS,
    ("POST", "/v1/models/films/score"): Scope.SCORE,
    ("POST", "/v1/models/films/recommend"): Scope.SCORE,
    ("POST", "/v2/models/films/infer"): Scope.SCORE,
    ("POST", "/v1/events"): Scope.SCORE,
    ("GET", "/v1/keys"): Scope.ADMIN,
    ("DELETE", "/v1/keys/1"): Scope.ADMIN,
    ("DELETE", "/v1/nobody/thought/of/this"): Scope.ADMIN,
    ("GET", "/debug"): Scope.ADMIN,
    ("GET", "/livez/.."): Scope.ADMIN,
}


@pytest.mark.parametrize(("request_", "scope"), RULES.items())
def test_each_request_needs_what_the_table_says(request_: tuple[str, str], scope: Scope | None) -> None:
    """What no rule names needs the scope that few keys have."""
    assert needed(*request_) is scope
