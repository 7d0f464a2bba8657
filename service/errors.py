"""Every error that the service raises on purpose.

IhasError
├── UnknownIdError (LookupError)  no object has this id or name                     404
├── ConflictError                 the state of the object does not allow it         409
│   └── NoVersionServesError      a model of which no version is to serve           409
├── KeyReusedError (ValueError)   an idempotency key came with another body         422
├── PathRefusedError              a path outside the folders that may be read       403
├── UriRefusedError               a URI outside the allowed prefixes                403
├── QuotaError                    a tenant would keep more bytes than it may          413
├── FetchError                    a file named by URI could not be fetched          502
├── StoreError                    the store of bundles cannot be reached           503
├── NoKeyError                    no key, or an unknown one                         401
├── ScopeError                    the key may not do this                           403
├── PreconditionError             the object has another revision than expected     412
├── PreconditionMissingError      a change must state the expected revision         428
├── TooManyError                  a limit is reached                                429
│   └── OverloadError             overload                                          503
├── LostLeaseError                a worker writes to a job that is no longer its own
└── ServiceError                  the client got a problem document
    ├── WaitTimeoutError          the client waited in vain
    ├── UnreachableError          no response
    ├── NotAllowedError           401, 403: no valid key, or one that may not do this
    ├── NotFoundError             404: no such object for this key
    ├── StateError                409, 412, 428: the object is in another state than expected
    ├── InvalidError              400, 413, 415, 422: the request is wrong; `problem["errors"]` points at the parts
    └── BusyError                 429, 503: limit or overload
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ihas.errors import IhasError


class UnknownIdError(IhasError, LookupError):
    """No object has this id or name."""


class ConflictError(IhasError):
    """The state of the object does not allow the operation."""


class NoVersionServesError(ConflictError):
    """A model of which no version is to serve."""


class KeyReusedError(IhasError, ValueError):
    """An idempotency key was used again with another body."""


class PathRefusedError(IhasError):
    """A path outside the folders that may be read."""


class UriRefusedError(IhasError):
    """A URI outside the allowed prefixes."""


class QuotaError(IhasError):
    """A tenant would keep more bytes than it may."""


class FetchError(IhasError):
    """A file named by URI could not be fetched."""


class StoreError(IhasError):
    """The store of bundles is out of reach, or refuses what it was asked."""


class NoKeyError(IhasError):
    """No key, or an unknown one."""


class ProviderError(IhasError):
    """The keys of the identity provider could not be fetched, so tokens cannot be checked."""


class ScopeError(IhasError):
    """The key may not do this."""


class PreconditionError(IhasError):
    """The object has another revision than the change expected."""


class PreconditionMissingError(IhasError):
    """A change did not state the revision that it expects."""


class TooManyError(IhasError):
    """A limit is reached.

    Attributes:
        retry_after_s: seconds after which to try again.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OverloadError(TooManyError):
    """The service is overloaded."""


class LostLeaseError(IhasError):
    """A worker writes to a job that is no longer its own."""


class ServiceError(IhasError):
    """The service refused a request.

    Attributes:
        problem: the problem document (RFC 9457), with at least `title` and `status`.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title")))
        self.problem = problem

    @property
    def status(self) -> int:
        """HTTP status; 0 where no response."""
        return int(self.problem.get("status", 0))


class WaitTimeoutError(ServiceError):
    """The client waited in vain."""


class UnreachableError(ServiceError):
    """The service did not respond."""


class NotAllowedError(ServiceError):
    """No valid key, or one that may not do this."""


class NotFoundError(ServiceError):
    """No such object for this key."""


class StateError(ServiceError):
    """The object is in another state than expected."""


class InvalidError(ServiceError):
    """The request is wrong."""


class BusyError(ServiceError):
    """A limit is reached, or the service is overloaded."""


BY_STATUS: Mapping[int, type[ServiceError]] = MappingProxyType(
    {
        0: UnreachableError,
        **dict.fromkeys((401, 403), NotAllowedError),
        404: NotFoundError,
        **dict.fromkeys((409, 412, 428), StateError),
        **dict.fromkeys((400, 413, 415, 422), InvalidError),
        **dict.fromkeys((429, 503), BusyError),
    }
)


def service_error(problem: dict[str, Any]) -> ServiceError:
    """The error of a problem document, of the class of its status."""
    return BY_STATUS.get(int(problem.get("status", 0)), ServiceError)(problem)
