"""Checks whether this machine is fit to serve and to search: one line per check, each with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

Verdict = Literal["ok", "warn", "fail"]
STYLES: dict[Verdict, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
GIB = 2**30
IMPORT_TIMEOUT_S = 120
TRAINING_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-recommenders", "scikit-learn", "tf2onnx")


@dataclass(frozen=True)
class Check:
    """One check of the machine.

    Attributes:
        name: what was checked.
        verdict: `ok`, `warn` (works, with a limit) or `fail`.
        found: what is there.
        way_out: what to do; empty if nothing is.
    """

    name: str
    verdict: Verdict
    found: str
    way_out: str = ""


def examine(folder: Path, host: str, port: int) -> tuple[Check, ...]:
    """All checks, for a service that keeps its files in `folder` and listens on `host` and `port`."""
    return (
        _python(),
        *_packages(),
        _tensorflow(),
        _writable(folder),
        _disk(folder),
        _memory(),
        _cores(),
        _port(host, port),
    )


def table(checks: Iterable[Check]) -> Table:
    """Checks for a terminal."""
    lines = Table.grid(padding=(0, 2))
    for check in checks:
        lines.add_row(Text(check.verdict, style=STYLES[check.verdict]), check.name, check.found, check.way_out)
    return lines


def documents(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Checks as JSON values."""
    return [asdict(check) for check in checks]


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("python", "ok", found)
    return Check("python", "fail", found, "Install Python 3.11, 3.12 or 3.13 and run `make setup PYTHON=python3.12`.")


def _packages() -> Iterable[Check]:
    needed = [line.split(";")[0] for line in requires("ihas") or () if "extra ==" not in line]
    names = sorted({"".join(char if char.isalnum() or char in "-_." else " " for char in line).split()[0] for line in needed})
    yield _installed("packages to serve", names, "fail")
    yield _installed("packages to search", TRAINING_PACKAGES, "warn")


def _installed(name: str, packages: Sequence[str], verdict: Verdict) -> Check:
    versions, missing = [], []
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        return Check(
            name, verdict, f"missing: {', '.join(missing)}", "Run `make setup`; a machine that only serves needs no packages to search."
        )
    return Check(name, "ok", ", ".join(versions))


def _tensorflow() -> Check:
    """TensorFlow in a process of its own: this one never imports it."""
    code = "import ihas.legacy_keras, tensorflow as tf, tf_keras; print(tf.__version__, tf_keras.__version__)"
    name, way_out = "tensorflow with legacy Keras", "Run `make setup`. Searches need it, serving does not."
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S, env=environment)
    except subprocess.TimeoutExpired:
        return Check(name, "warn", f"the import took more than {IMPORT_TIMEOUT_S} s", "Compile bytecode: `make setup` does it.")
    if done.returncode == 0:
        return Check(name, "ok", done.stdout.strip())
    return Check(name, "warn", (done.stderr.strip().splitlines() or ["the import failed"])[-1], way_out)


def _writable(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Check("folder", "ok", f"{folder} can be written")
    except OSError as error:
        return Check("folder", "fail", f"{folder}: {error.strerror}", "Name another folder: IHAS_FOLDER or --folder.")


def _disk(folder: Path) -> Check:
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free / GIB
    verdict: Verdict = "ok" if free >= 5 else "warn" if free >= 1 else "fail"
    return Check("free disk", verdict, f"{free:.1f} GiB", "" if verdict == "ok" else "Free some, or name a folder on another disk.")


def _memory() -> Check:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if total >= 4:
        return Check("memory", "ok", f"{total:.1f} GiB")
    return Check("memory", "warn", f"{total:.1f} GiB", "Serving fits in 1 GiB; a search needs 4 GiB.")


def _cores() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("cores", "ok" if cores > 1 else "warn", str(cores), "" if cores > 1 else "On one core a search slows the service down.")


def _port(host: str, port: int) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check("port", "warn", f"{host}:{port}: {error.strerror}", "Name another one: IHAS_PORT or --port.")
    return Check("port", "ok", f"{host}:{port} is free")
