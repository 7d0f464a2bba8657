"""Policy of a route: who may call it, how large its body may be, when it is shed, and whether clients may repeat it.

A route states its policy once, where it is declared, as `openapi_extra=policy(...)`. The application builds one table of all routes as it
starts, which authentication, load shedding and body limits read; the API's description publishes each policy as `x-ihas-policy`, without
`scope` where no key is needed and without `max_body` for files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from starlette.routing import BaseRoute

from ihas_service.auth.scopes import Scope

EXTENSION = "x-ihas-policy"
METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})
MAX_KEPT, MAX_KEPT_PATH = 1_000, 200
"""Paths, and characters of a path, whose policy is remembered."""
KIB, MIB = 2**10, 2**20
SMALL = 64 * KIB
"""Bytes that a body of a few settings may have."""
FEW_VALUES, MANY_VALUES = 20_000, 500_000
"""Values that a JSON body may hold: of settings, and of rows or ids."""


class Shedding(StrEnum):
    """Whose permits a request needs; without one in time it is refused with 503."""

    MODELS = "models"
    """Requests to models; they may compute in a thread."""
    OTHERS = "others"
    """Requests that are answered from memory or from the database."""
    NEVER = "never"
    """None: probes, and what waits for something else than this process, such as streams, long polls and files."""


class Repeat(StrEnum):
    """When a client may send a request again without knowing what became of the first one."""

    ALWAYS = "always"
    """Twice has the effect of once."""
    WITH_KEY = "with-key"
    """With an idempotency key, twice has the effect of once."""
    NEVER = "never"
    """Twice may have another effect than once."""


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Policy of one route.

    Attributes:
        scope: what a key must be allowed; None where no key is needed.
        max_body: bytes of a request's body, at most those of `IHAS_MAX_REQUEST_BYTES`; None for files, which have a limit of their own.
        shedding: whose permits it needs.
        repeat: when clients may repeat it.
        max_values: values that a JSON body may hold, each list and object counted as one more; what is made of a body costs so much.
    """

    scope: Scope | None
    max_body: int | None = SMALL
    shedding: Shedding = Shedding.OTHERS
    repeat: Repeat = Repeat.NEVER
    max_values: int = FEW_VALUES

    def document(self) -> dict[str, Any]:
        """The policy as JSON values."""
        return {
            "scope": self.scope,
            "max_body": self.max_body,
            "shedding": self.shedding,
            "repeat": self.repeat,
            "max_values": self.max_values,
        }


UNKNOWN = RoutePolicy(Scope.ADMIN)
"""Policy of a path that no route has: only few keys learn that there is nothing."""
PAGES: Mapping[str, RoutePolicy] = MappingProxyType(
    dict.fromkeys(
        ("/", "/dashboard/{asset}", "/docs", "/docs/{asset}", "/redoc", "/openapi.json"),
        RoutePolicy(None, shedding=Shedding.NEVER, repeat=Repeat.ALWAYS),
    )
)
"""The dashboard and pages of the description, which are no part of it."""


def policy(
    scope: Scope | None,
    *,
    max_body: int | None = SMALL,
    shedding: Shedding = Shedding.OTHERS,
    repeat: Repeat = Repeat.NEVER,
    max_values: int = FEW_VALUES,
    extra: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """`openapi_extra` of a route with this policy; see `RoutePolicy`.

    Args:
        extra: what else the description says of the route.
    """
    return {**extra, EXTENSION: RoutePolicy(scope, max_body, shedding, repeat, max_values).document()}


def reading(scope: Scope | None = Scope.READ, shedding: Shedding = Shedding.OTHERS) -> dict[str, Any]:
    """`openapi_extra` of a route that changes nothing, and may be repeated."""
    return policy(scope, shedding=shedding, repeat=Repeat.ALWAYS)


def asking(max_body: int, extra: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """`openapi_extra` of a route that asks a model, which may be repeated; see `policy`."""
    return policy(Scope.SCORE, max_body=max_body, shedding=Shedding.MODELS, repeat=Repeat.ALWAYS, max_values=MANY_VALUES, extra=extra)


@dataclass(slots=True)
class Node:
    """A place in the tree of paths: the segments that may follow, what stands for all that follow, and the policies of the path that
    ends here, by method."""

    literal: dict[str, Node] = field(default_factory=dict)
    parameter: Node | None = None
    rest: Node | None = None
    methods: dict[str, RoutePolicy] = field(default_factory=dict)


class RoutePolicies:
    """Policy of every route, found by method and path; the latest paths, such as those of models that are asked, are kept."""

    def __init__(self, policies: Mapping[tuple[str, str], RoutePolicy]) -> None:
        """
        Args:
            policies: by method and path, whose parameters are written as `{name}`, or as `{name:id}` where they take all that follows.
        """
        self.declared = MappingProxyType(dict(policies))
        self._root = Node()
        self._latest: dict[str, dict[str, RoutePolicy]] = {}
        for (method, path), found in policies.items():
            node = self._root
            for segment in path.split("/")[1:]:
                node = self._child(node, segment)
            node.methods[method] = found

    @staticmethod
    def _child(node: Node, segment: str) -> Node:
        if not segment.startswith("{"):
            return node.literal.setdefault(segment, Node())
        if segment.endswith(":id}"):
            node.rest = node.rest or Node()
            return node.rest
        node.parameter = node.parameter or Node()
        return node.parameter

    def find(self, method: str, path: str) -> RoutePolicy:
        """Policy of a request.

        A known path with a method that it has not gets a policy of that path, since the answer is 405 for everybody whom that admits.
        """
        latest = self._latest.get(path)
        if latest is not None and method in latest:
            return latest[method]
        found = self._search(method, path)
        if method in METHODS and len(path) <= MAX_KEPT_PATH:
            if len(self._latest) >= MAX_KEPT:
                self._latest.clear()
            self._latest.setdefault(path, {})[method] = found
        return found

    def _search(self, method: str, path: str) -> RoutePolicy:
        ends: list[Node] = []
        return _walk(self._root, path.split("/"), 1, method, ends) or (next(iter(ends[0].methods.values())) if ends else UNKNOWN)


def _walk(node: Node, segments: list[str], index: int, method: str, ends: list[Node]) -> RoutePolicy | None:
    """The policy at the end of the segments, literal segments before parameters; nodes without the method are added to `ends`."""
    for position in range(index, len(segments)):
        segment = segments[position]
        literal, parameter = node.literal.get(segment), node.parameter if segment else None
        if literal is not None and parameter is not None:
            found = _walk(literal, segments, position + 1, method, ends)
            if found is not None:
                return found
            literal = None
        following = literal or parameter
        if following is None:
            if node.rest is None or segments[position:] == [""]:
                return None
            node = node.rest
            break
        node = following
    if node.methods and method not in node.methods:
        ends.append(node)
    return node.methods.get(method)


def policies_of(routes: Iterable[BaseRoute]) -> RoutePolicies:
    """The table of routes that state their policies, and of the framework's pages.

    Raises:
        RuntimeError: a route states none.
    """
    found = {("GET", path): page for path, page in PAGES.items()}
    for route in routes:
        path, extra = getattr(route, "path", ""), getattr(route, "openapi_extra", None) or {}
        if EXTENSION not in extra:
            raise RuntimeError(f"Every route must state its policy, but {path!r} does not. Declare it with `openapi_extra=policy(...)`.")
        found |= {(method, path): _read(extra[EXTENSION]) for method in getattr(route, "methods", ())}
    return RoutePolicies(found)


def _read(document: Mapping[str, Any]) -> RoutePolicy:
    scope = document["scope"]
    right = None if scope is None else Scope(scope)
    return RoutePolicy(right, document["max_body"], Shedding(document["shedding"]), Repeat(document["repeat"]), document["max_values"])
