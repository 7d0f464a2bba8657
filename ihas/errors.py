"""Every error that iHAS raises on purpose.

IhasError
├── ConfigError (ValueError)      a setting breaks a law, or two settings contradict each other
├── DataError (ValueError)        a table breaks a law; carries the findings, each with row and column
├── RequestError (ValueError)     a request names an unknown field, value or item, or asks the impossible
├── TrainingError (RuntimeError)  training gave a loss that is not a number
├── BudgetError (RuntimeError)    a run cannot keep within its budget
├── ClusterError (RuntimeError)   machines that a run trains on are lost, cannot be reached, or would compute otherwise
└── BundleError (RuntimeError)    a bundle cannot be used
    ├── BundleCorruptError        a checksum, a shape or a golden row does not match
    └── BundleVersionError        written in a format that this version does not read
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from errno import EACCES, EDQUOT, EEXIST, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOSPC, ENOTDIR, EPERM, EROFS

from ihas.extras import extra_of
from ihas.findings import Finding

WITHOUT_ROOM = re.compile(r"No space left on device|Disk quota exceeded|disk is full|^\d+ requested and \d+ written$")

WITHOUT_MEMORY = re.compile(r"can't start new thread|Failed to launch worker thread|Cannot allocate memory")


_PATH_FAULTS = (EACCES, EPERM, EROFS, ENOTDIR, EISDIR, EEXIST, ENOENT, ENAMETOOLONG, ELOOP)


class IhasError(Exception):
    """Base of every error of this library."""


class ConfigError(IhasError, ValueError):
    """A setting breaks a law."""


class FolderBusyError(ConfigError):
    """Another process works on the run folder."""


class DataError(IhasError, ValueError):
    """A table breaks a law.

    Attributes:
        findings: what is wrong, each with its row and column where it has one.
    """

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class RequestError(IhasError, ValueError):
    """A request that cannot be answered.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the offending part of the request.
    """

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class TrainingError(IhasError, RuntimeError):
    """Training gave a loss that is not a number."""


class BudgetError(IhasError, RuntimeError):
    """A run cannot keep within its budget."""


class ClusterError(IhasError, RuntimeError):
    """Machines that a run trains on are lost, cannot be reached, or would compute otherwise; what is finished stays."""


class BundleError(IhasError, RuntimeError):
    """A bundle cannot be used."""


class BundleCorruptError(BundleError):
    """A checksum, a shape or a golden row does not match."""


class BundleVersionError(BundleError):
    """The bundle's format is not one that this version reads."""


def missing_package(error: ModuleNotFoundError) -> ConfigError:
    """The error of an installation that lacks an extra, asked for what the extra is for: to read tables, to train, to draw."""
    package = (error.name or "").partition(".")[0]
    extra = extra_of(package)
    return ConfigError(f"This needs the package `{package}`, which an installation without it leaves out. Install `ihas[{extra}]`.")


def path_fault(error: BaseException) -> ConfigError | None:
    """The error of a path that cannot be read or written as it is; None for any other fault."""
    if not isinstance(error, OSError) or error.errno not in _PATH_FAULTS or error.filename is None:
        return None
    reason = {ENOENT: "there is no such file or folder", EISDIR: "it is a folder", ENOTDIR: "a part of it is no folder"}
    law = f"Files and folders must be readable, and what is written must be writable, but {error.filename} is not"
    return ConfigError(f"{law}: {reason.get(error.errno) or error.strerror}. Name another one, or change its permissions.")


def is_disk_full(error: BaseException) -> bool:
    """Whether something could not be written for want of room: by the system's number, else by what libraries say that hide it."""
    return (isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)) or WITHOUT_ROOM.search(str(error)) is not None


def is_memory_full(error: BaseException) -> bool:
    """Whether memory ran out: for a value, for a mapped file, or for a thread's stack, of which Python and Arrow each have their say.

    Our own errors never say so: they may quote a cell that does.
    """
    if isinstance(error, IhasError):
        return False
    out = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == ENOMEM)
    return out or WITHOUT_MEMORY.search(str(error)) is not None
