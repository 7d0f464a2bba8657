"""`load`: loads a bundle in this process, so that whoever started it learns whether its graphs come to an end."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ihas.errors import BundleError
from ihas_pipelines.commands.limits import limit
from ihas_pipelines.commands.shell import answering
from ihas_pipelines.runs.child import error_document


def load(
    bundle: Annotated[Path, typer.Option(help="Bundle to load.")],
    max_cpu_s: Annotated[int | None, typer.Option(help="Maximum processor time of this process in seconds.")] = None,
) -> None:
    """Load a bundle and let it answer its golden rows; say which groups the shared model serves."""
    limit(None, max_cpu_s)
    _die_first()
    with answering(_refusal) as answer:
        from ihas.serving.loading import load_recommender

        answer["report"] = {"degraded": {str(group): reason for group, reason in load_recommender(bundle).degraded.items()}}


def _refusal(error: Exception) -> dict[str, object]:
    return {"code": "bundle", "detail": str(error)} if isinstance(error, BundleError) else error_document(error)


def gates(
    candidate: Annotated[Path, typer.Option(help="Bundle that may be promoted.")],
    folder: Annotated[Path, typer.Option(help="Run folder that kept the newest test rows.")],
    champion: Annotated[Path | None, typer.Option(help="Bundle that serves.")] = None,
    bounds: Annotated[str, typer.Option(help="JSON object of bounds.")] = "{}",
    max_cpu_s: Annotated[int | None, typer.Option(help="Maximum processor time of this process in seconds.")] = None,
) -> None:
    """Evaluate the gates of a bundle against the one that serves."""
    limit(None, max_cpu_s)
    _die_first()
    with answering() as answer:
        answer["report"] = _verdict(candidate, champion, folder, bounds)


def _verdict(candidate: Path, champion: Path | None, folder: Path, bounds: str) -> dict[str, object]:
    from ihas.results.gates import GateBounds
    from ihas.serving.loading import load_recommender
    from ihas_pipelines.runs.gates import gates_of, newest_rows_of, not_loaded

    try:
        loaded = load_recommender(candidate)
    except BundleError as error:
        return not_loaded(str(error).replace(f"{candidate}/", "")).model_dump(mode="json")
    serving = None if champion is None else load_recommender(champion)
    asked = GateBounds.model_validate_json(bounds)
    return gates_of(serving, loaded, newest_rows_of(folder), asked).model_dump(mode="json")


def _die_first() -> None:
    """Where memory runs out, have the system end this process and not the one that serves."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
