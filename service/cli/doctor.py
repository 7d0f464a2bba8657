"""Checks whether this machine is fit to serve and to search: one line per check, each with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from ihas.extensions.suggest import did_you_mean
from ihas.extras import PURPOSES, installed_version, missing, packages

Verdict = Literal["ok", "warn", "fail"]
STYLES: dict[Verdict, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
GIB = 2**30
IMPORT_TIMEOUT_S = 120
IN_A_CHECKOUT = "In a checkout: `make setup`."
DRIVER = Path("/proc/driver/nvidia/gpus")
"""Has a folder for each GPU that the system's NVIDIA driver knows."""
OTHER_VARIABLES = frozenset({"IHAS_URL", "IHAS_API_KEY", "IHAS_EXTENSIONS", "IHAS_DATA"})
"""Variables of commands and of runs, which are no settings of the service."""
OF_TESTS = "IHAS_TEST_"
LOADED = (
    "import ihas.legacy_keras, tensorflow as tf, tf_keras; "
    "print(tf.__version__, tf_keras.__version__, len(tf.config.list_physical_devices('GPU')))"
)


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
        *_tensorflow(),
        _variables(os.environ),
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
    for extra, names in packages().items():
        if not extra:
            yield _installed("packages to serve", names, "fail", f"Run `pip install ihas` again. {IN_A_CHECKOUT}")
            continue
        way_out = f"To {PURPOSES.get(extra, 'use it')}: `pip install 'ihas[{extra}]'`. {IN_A_CHECKOUT}"
        yield _installed(f"packages of ihas[{extra}]", names, "warn", way_out)


def _installed(name: str, names: Sequence[str], verdict: Verdict, way_out: str) -> Check:
    lacking = missing(names)
    if lacking:
        return Check(name, verdict, f"missing: {', '.join(lacking)}", way_out)
    return Check(name, "ok", ", ".join(f"{one} {installed_version(one)}" for one in names))


def _tensorflow() -> Iterable[Check]:
    """TensorFlow, and the GPUs that it sees, in a process of its own: this one never imports it."""
    name, way_out = "tensorflow with legacy Keras", "Searches need it, serving does not: `pip install 'ihas[train]'`."
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-P", "-c", LOADED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S, env=environment)
    except subprocess.TimeoutExpired:
        yield Check(name, "warn", f"the import took more than {IMPORT_TIMEOUT_S} s", "Compile bytecode: `make setup` does it.")
        yield _gpu(None)
        return
    if done.returncode == 0:
        *versions, seen = done.stdout.split()
        yield Check(name, "ok", " ".join(versions))
        yield _gpu(int(seen))
        return
    yield Check(name, "warn", (done.stderr.strip().splitlines() or ["the import failed"])[-1], way_out)
    yield _gpu(None)


def _gpu(seen: int | None) -> Check:
    """GPUs of the machine, and how many of them TensorFlow sees; None where it could not be asked."""
    there = len(list(DRIVER.iterdir())) if DRIVER.is_dir() else 0
    if seen:
        return Check("gpu", "ok", f"TensorFlow trains on {seen}")
    if not there:
        return Check("gpu", "ok", "none; searches train on the cores")
    found = f"{there} in this machine" + ("; TensorFlow was not asked" if seen is None else ", none that TensorFlow sees")
    return Check("gpu", "warn", found, "TensorFlow with its CUDA libraries: `pip install 'tensorflow[and-cuda]'`. Serving needs no GPU.")


def _variables(environment: Mapping[str, str]) -> Check:
    """Variables that begin like ours and are none: a mistyped setting is silently its default."""
    from ihas_service.settings import Settings

    known = OTHER_VARIABLES | {f"IHAS_{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in environment if name.startswith("IHAS_") and name not in known and not name.startswith(OF_TESTS))
    if not unknown:
        return Check("settings", "ok", "every IHAS_* variable is one")
    hints = "".join(did_you_mean(name, known) for name in unknown)
    return Check("settings", "warn", f"unknown: {', '.join(unknown)}", f"They change nothing; `ihas settings` lists all.{hints}")


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
