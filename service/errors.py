"""Every error that the service raises on purpose.

IhasError
├── UnknownIdError (LookupError)  nothing has this id or name                       404
├── ConflictError                 the state of the thing does not allow it          409
├── KeyReusedError (ValueError)   an idempotency key came with another body         422
├── PathRefusedError              a path outside the folders that may be read       403
├── UriRefusedError               a URI outside the places that may be asked        403
├── FetchError                    a file that is named by URI did not come          502
├── StoreError                    the store of bundles is out of reach               503
├── NoKeyError                    no key, or none that is known                     401
├── ScopeError                    the key may not do this                           403
├── PreconditionError             the thing is not in the form that was expected    412
├── PreconditionMissingError      a change must say what form it expects            428
├── TooManyError                  more than is taken now                            429
│   └── OverloadError             more than can be answered in time                 503
├── LostLeaseError                a worker writes to a job that is no longer its own
└── ServiceError                  the client got a problem document
    ├── WaitTimeoutError          the client waited, and it did not come in time
    ├── UnreachableError          no answer came
    ├── NotAllowedError           401, 403: no valid key, or one that may not do this
    ├── NotFoundError             404: there is no such thing, for this key
    ├── StateError                409, 412, 428: the thing is not in the state that was expected
    ├── InvalidError              400, 413, 415, 422: the request is wrong; `problem["errors"]` points at the parts
    └── BusyError                 429, 503: more than is taken now
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ihas.errors import IhasError


class UnknownIdError(IhasError, LookupError):
    """Nothing has this id or name."""


class ConflictError(IhasError):
    """The state of the thing does not allow what was asked."""


class KeyReusedError(IhasError, ValueError):
    """An idempotency key came a second time, with another body."""


class PathRefusedError(IhasError):
    """A path outside the folders that may be read."""


class UriRefusedError(IhasError):
    """A URI outside the places that may be asked."""


class FetchError(IhasError):
    """A file that is named by URI did not come."""


class StoreError(IhasError):
    """The store of bundles is out of reach, or refuses what it was asked."""


class NoKeyError(IhasError):
    """No key came, or none that is known."""


class ProviderError(IhasError):
    """The identity provider did not give its keys, so that nobody knows whether a token is valid."""


class ScopeError(IhasError):
    """The key may not do this."""


class PreconditionError(IhasError):
    """The thing is no longer in the form that the change expected."""


class PreconditionMissingError(IhasError):
    """A change did not say what form of the thing it expects."""


class TooManyError(IhasError):
    """More than is taken now.

    Attributes:
        retry_after_s: seconds after which to try again.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OverloadError(TooManyError):
    """More than can be answered in time."""


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
        """HTTP status; 0 where no answer came."""
        return int(self.problem.get("status", 0))


class WaitTimeoutError(ServiceError):
    """What the client waited for did not come in time."""


class UnreachableError(ServiceError):
    """No answer came."""


class NotAllowedError(ServiceError):
    """No valid key, or one that may not do this."""


class NotFoundError(ServiceError):
    """There is no such thing, for this key."""


class StateError(ServiceError):
    """The thing is not in the state that was expected."""


class InvalidError(ServiceError):
    """The request is wrong."""


class BusyError(ServiceError):
    """More than is taken now."""


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
