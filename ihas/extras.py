"""Extras of an installation (`ihas[train]`): what each one brings, what of it is missing, and which one a missing module asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version

ALWAYS = ""
"""Stands for what is installed without an extra."""
ALL = "all"
TRAIN = "train"
PURPOSES = {
    TRAIN: "read tables, search, train and draw",
    "ann": "find neighbours among more than a million vectors",
    "telemetry": "send traces to a collector",
    "sql": "read tables of SQLite and PostgreSQL",
    "s3": "keep bundles and read data in stores that speak S3",
    "kafka": "read events from topics of Kafka",
    "ray": "train on several machines",
}
"""What each extra is for, after the word `to`."""
IMPORTED_AS = {"sklearn": "scikit-learn", "faiss": "faiss-cpu", "opentelemetry": "opentelemetry-sdk"}
"""Packages that are imported under another name than they are installed under."""


def packages(lines: Iterable[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Names of packages by extra, in the order of the metadata, with `ALWAYS` first.

    Args:
        lines: `Requires-Dist` of the metadata; None for those of the installed iHAS, which has none where it was never installed.
    """
    found: dict[str, list[str]] = {ALWAYS: []}
    for line in _installed() if lines is None else lines:
        name, extra = re.match(r"[\w.-]+", line), re.search(r"extra *== *['\"]([\w-]+)['\"]", line)
        if name is not None and name[0] != "ihas":
            found.setdefault(extra[1] if extra else ALWAYS, []).append(name[0])
    return {extra: tuple(names) for extra, names in found.items() if extra != ALL}


def missing(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the packages that are not installed."""
    return tuple(name for name in names if installed_version(name) is None)


def installed_version(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def only_serves() -> bool:
    """Whether a package is missing that searches and trainings need."""
    return bool(missing(packages().get(TRAIN, ())))


def extra_of(module: str) -> str:
    """The extra that brings a module, `train` where none is known to."""
    top = module.partition(".")[0]
    wanted = _canonical(IMPORTED_AS.get(top, top))
    return next((extra for extra, names in packages().items() if extra and wanted in map(_canonical, names)), TRAIN)


def _installed() -> list[str]:
    try:
        return requires("ihas") or []
    except PackageNotFoundError:
        return []


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
