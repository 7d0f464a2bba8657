"""The application: assembled here, made elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from service.datasets.cleanup import remove_leftovers
from service.datasets.remote_files import Fetches
from service.http import problems
from service.http.dependencies import AppState
from service.http.middleware.authentication import Door
from service.http.middleware.compute_threads import Threads
from service.http.middleware.load_shedding import Shed
from service.http.middleware.request_log import Observe
from service.http.openapi import describe
from service.http.routes import (
    aliases,
    datasets,
    derived,
    estimates,
    events,
    health,
    inference,
    keys,
    models,
    scoring,
    search_views,
    searches,
    what_if,
)
from service.models.registry import Registry
from service.models.response_log import Aftermath
from service.observability.metrics import Metrics
from service.observability.tracing import Traced, traces_of
from service.settings import Settings
from service.storage.aliases import Aliases
from service.storage.feedback import Feedback
from service.storage.keys import Keys
from service.storage.sql_store import SqlStore
from service.storage.traffic import TrafficPlans

PEOPLE_S = 7 * 86_400.0


def create_app(settings: Settings) -> FastAPI:
    """The HTTP application on a folder and a database, which are created where they are missing."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    store = SqlStore(settings.url)
    metrics = Metrics(store)
    app = FastAPI(version=version("ihas"), lifespan=_lifespan, redirect_slashes=False)
    key_table, registry = Keys(store), Registry(store, settings.folder, settings.artefacts_url)
    metrics.watch(registry.degraded_counts)
    feedback = Feedback(store)
    aftermath = Aftermath(feedback, settings.feedback_kept_s, metrics.drop)
    metrics.watch_online(lambda: aftermath.routing, lambda: feedback.everywhere(PEOPLE_S))
    app.state.parts = AppState(
        settings=settings,
        store=store,
        registry=registry,
        metrics=metrics,
        keys=key_table,
        aliases=Aliases(store),
        plans=TrafficPlans(store),
        feedback=feedback,
        aftermath=aftermath,
        fetches=Fetches(settings),
        threads=(threads := Threads(settings)),
        traces=(traces := traces_of(settings, "ihas-api")),
    )
    app.add_middleware(Shed, settings=settings, threads=threads)
    app.add_middleware(Door, settings=settings, keys=key_table)
    app.add_middleware(Observe, settings=settings, metrics=metrics)
    if traces is not None:
        app.add_middleware(Traced, traces=traces)
    problems.install(app)
    for routes in (datasets, estimates, search_views, searches, models, derived, what_if, aliases, events, keys, inference, health):
        app.include_router(routes.router)
    app.router.routes[:0] = scoring.hot_routes(app.state.parts)
    app.openapi = lambda: describe(app, scoring.described.routes, scoring.STRUCTURES)  # type: ignore[method-assign]  # FastAPI's own way to extend the description
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: AppState = app.state.parts
    await run_in_threadpool(remove_leftovers, parts.store, parts.settings.folder)
    parts.registry.start()
    parts.aftermath.start()
    yield
    parts.shutdown.set()
    await run_in_threadpool(parts.aftermath.close)
    await run_in_threadpool(parts.registry.close)
    if parts.traces is not None:
        await run_in_threadpool(parts.traces.close)
    parts.store.close()
