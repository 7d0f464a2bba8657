"""The first loading of a bundle: in a process of its own, with a deadline, before the process that serves loads it.

A graph of a few bytes may compute for a year, or take all memory. Whether it does is learned where nobody waits. What was learned is kept
by the digest of the bundle's manifest, which names every byte of it, so that no bundle is tried twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from ihas.bundle.manifest import manifest_digest
from ihas.errors import BundleError
from ihas.folders import write_whole
from ihas_pipelines.runs.progress import Outcome, follow
from ihas_service.jobs.child import Child
from ihas_service.jobs.runs import PIPELINES
from ihas_service.storage.bundle_store import TRIED

REFUSED_FOR_S = 3_600.0
"""Seconds for which a bundle that ended its process is not tried again."""
MARGIN_S = 5.0
_WAY_OUT = "Run its search again, or remove the version."
LOG = structlog.get_logger(__name__)


class FirstLoad:
    """Tries bundles; safe to call from several threads and processes."""

    def __init__(self, folder: Path, within_s: int, command: Sequence[str] = PIPELINES) -> None:
        """
        Args:
            folder: of the service; verdicts lie in it.
            within_s: seconds of processor time that loading may take, and half the seconds of wall time.
            command: start of the child's command line.
        """
        self._folder, self._within_s, self._command = folder.resolve() / TRIED, within_s, command
        self._guard, self._running, self._closed = threading.Lock(), set[Child](), False

    def __call__(self, bundle: Path) -> None:
        """Try a bundle, unless it was tried before.

        Raises:
            BundleError: it cannot be loaded, or not in time, or it ends the process that loads it.
        """
        verdict = self._folder / manifest_digest(bundle)
        with suppress(OSError):
            if fault := verdict.read_text(encoding="utf-8"):
                if abs(time.time() - verdict.stat().st_mtime) < REFUSED_FOR_S:
                    raise BundleError(fault)
            else:
                return
        self._try(bundle, verdict)

    @property
    def trying(self) -> bool:
        """Whether a bundle is being tried now."""
        return bool(self._running)

    def passed(self, bundle: Path) -> None:
        """Note that a bundle was loaded in a process of its own already."""
        _keep(self._folder / manifest_digest(bundle), "")

    def close(self) -> None:
        """Stop what is being tried."""
        with self._guard:
            self._closed, running = True, tuple(self._running)
        for child in running:
            child.stop()

    def _try(self, bundle: Path, verdict: Path) -> None:
        began = time.perf_counter()
        outcome, code = self._carried_out(bundle)
        LOG.info("bundle tried", digest=verdict.name, code=code, seconds=round(time.perf_counter() - began, 3))
        if outcome is not None and outcome.outcome == "succeeded" and code == 0:
            if not (outcome.report or {}).get("degraded"):
                _keep(verdict, "")
            return
        if outcome is not None and outcome.error is not None:
            raise BundleError(str(outcome.error.get("detail")))
        if code < 0 and not self._closed:
            fault = f"The bundle must load within {self._within_s} s of processor time, but ended its process on signal {-code}. {_WAY_OUT}"
            _keep(verdict, fault)
            raise BundleError(fault)
        raise BundleError("The bundle could not be tried, for its process ended too early. It is tried again.")

    def _carried_out(self, bundle: Path) -> tuple[Outcome | None, int]:
        """What the child said, and its exit code."""
        self._folder.mkdir(parents=True, exist_ok=True)
        argv = (*self._command, "load", "--bundle", str(bundle), "--max-cpu-s", str(self._within_s))
        with self._guard:
            if self._closed:
                raise BundleError("The bundle was not tried, for the process ends.")
            child = Child(argv, self._folder / "log.txt")
            self._running.add(child)
        deadline = threading.Timer(2.0 * self._within_s + MARGIN_S, child.stop)
        deadline.start()
        try:
            return follow(child, lambda _: None), child.wait()
        finally:
            deadline.cancel()
            if not child.ended:
                child.stop()
            child.close()
            with self._guard:
                self._running.discard(child)


def _keep(verdict: Path, fault: str) -> None:
    with suppress(OSError):  # what cannot be kept is learned again
        verdict.parent.mkdir(parents=True, exist_ok=True)
        write_whole(verdict, fault)
