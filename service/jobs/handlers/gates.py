"""Gates of a finished run, evaluated in a process of their own before its bundle becomes a version."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import structlog
from pydantic import ValidationError

from ihas.results.gates import GatesVerdict
from ihas_pipelines.runs.progress import Outcome, follow
from ihas_service.errors import StoreError
from ihas_service.jobs.child import Child
from ihas_service.jobs.handlers.handler import JobContext
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.job import Job
from ihas_service.storage.promotion_settings import AutoPromote, PromotionSettings, Release

LOADS = 4
"""Times of a first load that two loads, both models' answers to the newest rows, and 600 single rows may take."""
MARGIN_S = 5.0
LOG = structlog.get_logger(__name__)


def release_of(job: Job, bundle: Path, context: JobContext) -> Release:
    """What is known of a finished job's version: whether it may go live unasked, and what the gates say of it.

    Args:
        job: that trained the bundle.
        bundle: in its run folder.
        context: of the worker.
    """
    settings = context.store.promotion(job.tenant, job.name)
    mode = _auto_promote(job, settings, context)
    champion = context.store.serving_version(job.tenant, job.name)
    try:
        verdict, detail = _verdict(bundle, champion, settings, context)
    except Exception as error:  # whatever keeps the gates from being evaluated, the version is a candidate that a person may promote
        LOG.warning("gates could not be evaluated", job=job.id, error=f"{type(error).__name__}: {error}")
        verdict, detail = None, "The worker's log says why."
    return Release(mode, verdict, detail)


def _auto_promote(job: Job, settings: PromotionSettings, context: JobContext) -> AutoPromote:
    """As the search says, else the model, else the service."""
    stated: AutoPromote | None = job.settings.get("auto_promote")
    return stated or settings.auto_promote or context.settings.auto_promote


def _verdict(
    bundle: Path, champion: ModelVersion | None, settings: PromotionSettings, context: JobContext
) -> tuple[GatesVerdict | None, str]:
    argv = [*context.command, "gates", "--candidate", str(bundle), "--folder", str(bundle.parent)]
    argv += ["--bounds", settings.gates.model_dump_json(), "--max-cpu-s", str(LOADS * context.settings.bundle_load_cpu_s)]
    if champion is not None:
        try:
            argv += ["--champion", str(_local(champion, context))]
        except StoreError:
            return None, "The store of bundles, which has the champion, is out of reach."
    outcome = _carried_out(argv, bundle.parent / "gates.txt", 2.0 * LOADS * context.settings.bundle_load_cpu_s + MARGIN_S)
    if outcome is None or outcome.outcome != "succeeded":
        said = "The process ended too early." if outcome is None or outcome.error is None else str(outcome.error.get("detail"))
        return None, said.replace(f"{context.settings.folder.resolve()}/", "")
    try:
        verdict = GatesVerdict.model_validate(outcome.report or {}, strict=False)
    except ValidationError:
        return None, "The process said nothing that could be read."
    return verdict.model_copy(update={"champion": None if champion is None else champion.version}), ""


def _local(champion: ModelVersion, context: JobContext) -> Path:
    artefacts = Artefacts(context.settings.folder, context.settings.artefacts_url)
    return artefacts.local(champion.path, champion.facts.get("manifest_sha256"))


def _carried_out(argv: Sequence[str], log: Path, within_s: float) -> Outcome | None:
    """What the child said; None where it ended without a word, or not in time."""
    child = Child(argv, log)
    deadline = threading.Timer(within_s, child.stop)
    deadline.start()
    try:
        outcome = follow(child, lambda _: None)
        child.wait()
        return outcome
    finally:
        deadline.cancel()
        if not child.ended:
            child.stop()
        child.close()
