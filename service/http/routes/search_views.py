"""What can be seen of a search, and what can be made of it: logs, figures, a copy, a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ValidationError

from ihas.config.base import Config
from ihas.errors import RequestError
from ihas.results.run_result import RunResult
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import CallerDep, KeyDep, SearchDep, SettingsDep, StoreDep, TraceDep, json_only, own_search
from ihas_service.http.files import still_there
from ihas_service.http.policy import MIB, Repeat, Shedding, policy, reading
from ihas_service.http.problems import pointer_to
from ihas_service.http.routes.searches import REPORT_HEADERS, create_search, finished_file
from ihas_service.http.schemas.searches import SearchClone, SearchCreate, SearchPublic
from ihas_service.jobs.runs import search_folder, settings_of
from ihas_service.jobs.wording import public_text
from ihas_service.models.comparison import Comparison, compare
from ihas_service.settings import Settings
from ihas_service.storage.job import Job
from ihas_service.storage.job_files import JobFiles

router = APIRouter(prefix="/v1/searches", tags=["searches"], route_class=JsonRoute)
LOG_BYTES = 256 * 1024
NEXT_HEADER = "next-offset"
PAGE = (
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n<script>{script}</script>\n'
    '<div id="figure" style="height:96vh"></div>\n<script type="application/json" id="drawn">{figure}</script>\n'
    "<script>var drawn = JSON.parse(document.getElementById('drawn').textContent);"
    "Plotly.newPlot('figure', drawn.data, drawn.layout, {{responsive: true}});</script></html>\n"
)
OffsetDep = Annotated[int, Query(ge=0, le=2**53, description=f"Bytes of the log to pass over; `{NEXT_HEADER}` of the answer before.")]
SearchId = Annotated[str, Query(max_length=64, description="Id of a search that succeeded.")]


class MetricsPublic(Config):
    """Figures of a search."""

    figures: tuple[str, ...]
    """Their names."""


@router.get("/compare", openapi_extra=reading())
def compare_searches(first: SearchId, second: SearchId, store: StoreDep, settings: SettingsDep, caller: CallerDep) -> Comparison:
    """Two searches that succeeded, side by side: settings that differ, figures in pairs."""
    jobs = (own_search(store, first, caller), own_search(store, second, caller))
    results = (_result(jobs[0], settings), _result(jobs[1], settings))
    rows = [(job.dataset_id, job.data_version, job.settings.get("window")) for job in jobs]
    return compare((first, second), results, rows[0] == rows[1])


@router.post(
    "/{search_id}/clone",
    status_code=202,
    dependencies=[Depends(json_only)],
    openapi_extra=policy(Scope.SEARCH, max_body=MIB, repeat=Repeat.WITH_KEY),
)
def clone_search(
    search: SearchDep,
    body: SearchClone,
    response: Response,
    store: StoreDep,
    settings: SettingsDep,
    caller: CallerDep,
    trace: TraceDep,
    idempotency_key: KeyDep = None,
) -> SearchPublic:
    """Submit a search like this one, but for what the body says."""
    asked: dict[str, Any] = {"name": body.name or search.name, "dataset_id": search.dataset_id, "priority": body.priority}
    asked |= {"dataset_version": search.data_version, "window": search.settings.get("window")}
    kind, learned = settings_of(search)
    asked[kind] = merged(learned, body.learning)
    asked["run"] = merged(search.settings.get("run", {}), body.run)
    if search.settings.get("auto_promote") is not None:
        asked["auto_promote"] = search.settings["auto_promote"]
    asked["budget"] = search.settings.get("budget", {}) if body.budget is None else body.budget
    try:
        new = SearchCreate.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(f"The copy would not be valid: {first['msg']}.", pointer_to(first["loc"])) from error
    return create_search(new, response, store, settings, caller, trace, idempotency_key)


@router.get(
    "/{search_id}/logs",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
    openapi_extra=reading(shedding=Shedding.NEVER),
)
def read_logs(search: SearchDep, store: StoreDep, settings: SettingsDep, offset: OffsetDep = 0) -> Response:
    """What the run wrote beside its progress, whole lines of at most 256 KiB from an offset on; `next-offset` says where the next part
    begins. A line that began before the offset, or is longer, is left out."""
    log = search_folder(settings.folder, search.id) / "log.txt"
    if search.finished:
        log = JobFiles(settings.folder, settings.artefacts_url).shown(log)
    with still_there():
        part, after = (b"", offset) if not log.is_file() else lines_from(log, offset, ended=search.finished)
    text = public_text(part.decode("utf-8", errors="replace"), store.dataset(search.dataset_id, search.data_version), settings.folder)
    return Response(text, media_type="text/plain", headers={NEXT_HEADER: str(after), "x-content-type-options": "nosniff"})


def lines_from(log: Path, offset: int, *, ended: bool) -> tuple[bytes, int]:
    """Whole lines, so that no name which has to be left out is cut in two, and the offset after them.

    Args:
        log: file.
        offset: bytes.
        ended: whether a last line without its end is one.
    """
    with log.open("rb") as file:
        size = log.stat().st_size
        if offset:
            file.seek(min(offset, size) - 1)
            _pass_line(file)  # nothing but the end of the line before, or the rest of one that began before
        start = file.tell()
        part = file.read(LOG_BYTES)
        whole = len(part) if ended and start + len(part) == size else part.rfind(b"\n") + 1
        if not whole and len(part) == LOG_BYTES:
            file.seek(start)
            _pass_line(file)
            return b"", file.tell()
    return part[:whole], start + whole


def _pass_line(file: BinaryIO) -> None:
    """Go behind the end of the line, of which no more than a part is held at once, for nothing limits its length."""
    while (part := file.readline(LOG_BYTES)) and not part.endswith(b"\n"):
        pass


@router.get("/{search_id}/plots", openapi_extra=reading())
def list_plots(search: SearchDep, settings: SettingsDep) -> MetricsPublic:
    """Names of the figures of a search that succeeded."""
    return MetricsPublic(figures=tuple(sorted(_figures(search, settings))))


@router.get(
    "/{search_id}/plots/{figure}",
    responses={200: {"content": {"application/json": {}, "text/html": {}}}},
    response_class=Response,
    openapi_extra=reading(shedding=Shedding.NEVER),
)
def read_plot(search: SearchDep, figure: str, settings: SettingsDep, form: Literal["json", "html"] = "json") -> Response:
    """A figure as plotly's JSON, or as a page that needs nothing else."""
    found = _figures(search, settings).get(figure)
    if found is None:
        raise UnknownIdError(f"Search {search.id} has no figure {figure!r}. `GET /v1/searches/{search.id}/plots` lists them.")
    files = JobFiles(settings.folder, settings.artefacts_url)
    with still_there():
        drawn = files.shown(found).read_text(encoding="utf-8")
        script = "" if form == "json" else files.shown(found.with_name("plotly.js")).read_text(encoding="utf-8")
    if form == "json":
        return Response(drawn, media_type="application/json")
    page = PAGE.format(title=figure, script=script, figure=drawn.replace("<", "\\u003c"))
    return Response(page, media_type="text/html", headers=REPORT_HEADERS)


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under changes, group by group."""
    both = {name: merged(settings[name], changes[name]) for name in changes if _groups(settings.get(name), changes[name])}
    return {**settings, **changes, **both}


def _groups(old: Any, new: Any) -> bool:
    return isinstance(old, Mapping) and isinstance(new, Mapping)


def _figures(search: Job, settings: Settings) -> dict[str, Path]:
    finished_file(search, settings, "result.json")
    folder = search_folder(settings.folder, search.id) / "plots"
    names = JobFiles(settings.folder, settings.artefacts_url).names(folder)
    return {name.removesuffix(".json"): folder / name for name in names if name.endswith(".json")}


def _result(search: Job, settings: Settings) -> RunResult:
    with still_there():
        document = json.loads(finished_file(search, settings, "result.json").read_bytes())
    if "kind" in document:
        raise ConflictError(
            f"Searches of clicks are compared, but search {search.id} is of the kind {document['kind']!r}. "
            "`GET /v1/models/NAME` shows the figures of each model."
        )
    try:
        return RunResult.model_validate(document)
    except ValidationError as error:
        raise UnknownIdError(f"The result of search {search.id} has another version's form and cannot be compared.") from error
