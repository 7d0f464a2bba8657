"""The caller of a request."""

from __future__ import annotations

from dataclasses import dataclass

from ihas_service.auth.scopes import EVERYTHING, Scope
from ihas_service.storage.tenants import LOCAL


@dataclass(frozen=True, slots=True)
class Caller:
    """Sender of a request.

    Attributes:
        tenant: whose objects may be seen and changed; others do not exist for this caller.
        name: how histories call this caller; never the key itself.
        scopes: what may be done.
    """

    tenant: str
    name: str
    scopes: frozenset[Scope]


LOCAL_CALLER = Caller(LOCAL, "local", EVERYTHING)
NOBODY = Caller("", "", frozenset())
