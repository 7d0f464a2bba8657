"""The HTTP application, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from ihas_service.auth.shared_rates import SYNC_S, SharedRates
from ihas_service.datasets.cleanup import remove_leftovers
from ihas_service.datasets.remote_files import Fetches
from ihas_service.http import problems
from ihas_service.http.dependencies import AppState
from ihas_service.http.middleware.authentication import AuthenticationMiddleware
from ihas_service.http.middleware.compute_threads import Threads
from ihas_service.http.middleware.load_shedding import LoadSheddingMiddleware
from ihas_service.http.middleware.request_log import RequestLogMiddleware
from ihas_service.http.openapi import describe
from ihas_service.http.policy import policies_of
from ihas_service.http.routes import dashboard, pages, scoring
from ihas_service.http.routes.registry import routers
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.models.known_items import KnownItems
from ihas_service.models.known_users import KnownUsers
from ihas_service.models.registry import Registry
from ihas_service.models.replicas import WRITE_EVERY_S, Replicas
from ihas_service.models.response_log import ResponseLog
from ihas_service.observability.metrics import Metrics
from ihas_service.observability.tracing import TracingMiddleware, traces_of
from ihas_service.repeating import Repeating
from ihas_service.retention.maintenance import Maintenance
from ihas_service.schedules.event_append import EventAppender
from ihas_service.schedules.scheduler import Scheduler
from ihas_service.settings import Settings
from ihas_service.storage.aliases import Aliases
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.direct_events import DirectEvents
from ihas_service.storage.feedback import Feedback
from ihas_service.storage.item_fields import ItemFieldRows
from ihas_service.storage.keys import Keys
from ihas_service.storage.profiles import Profiles
from ihas_service.storage.promotion import Promotions
from ihas_service.storage.replica_figures import ReplicaFigures
from ihas_service.storage.request_counts import RequestCounts
from ihas_service.storage.schedules import Schedules
from ihas_service.storage.seen_items import SeenItems
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.traffic import TrafficPlans

PEOPLE_S = 7 * 86_400.0


def create_app(settings: Settings) -> FastAPI:
    """The HTTP application on a folder and a database, which are created where they are missing."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    store = SqlStore(settings.url)
    metrics = Metrics(store)
    app = FastAPI(version=version("ihas"), lifespan=_lifespan, redirect_slashes=False, docs_url=None, redoc_url=None)
    first_load = FirstLoad(settings.folder, settings.bundle_load_cpu_s)
    item_fields = ItemFieldRows(store, settings.max_item_field_bytes_per_tenant)
    known_items = KnownItems(item_fields)
    key_table = Keys(store)
    registry = Registry(store, settings.folder, settings.artefacts_url, first_load, known_items.prepare)
    known_items.watch(registry.loaded)
    metrics.watch(registry.degraded_counts)
    feedback = Feedback(store, settings.max_answer_bytes_per_tenant)
    response_log = ResponseLog(feedback, settings.feedback_kept_s, metrics.drop, settings.keep_contexts)
    metrics.watch_online(lambda: response_log.routing, lambda: feedback.everywhere(PEOPLE_S))
    appender = EventAppender(
        store, settings, lambda tenant, name, number: registry.get(name, number, tenant).recommender.rows, response_log.flush
    )
    rates = SharedRates(RequestCounts(store), settings.max_requests_per_minute)
    app.state.parts = AppState(
        settings=settings,
        store=store,
        registry=registry,
        first_load=first_load,
        metrics=metrics,
        keys=key_table,
        aliases=Aliases(store),
        plans=TrafficPlans(store),
        promotions=Promotions(store),
        schedules=Schedules(store),
        feedback=feedback,
        direct_events=DirectEvents(store, settings.max_answer_bytes_per_tenant),
        profiles=(profiles := Profiles(store, settings.max_profile_bytes_per_tenant)),
        known_users=KnownUsers(profiles),
        item_fields=item_fields,
        known_items=known_items,
        seen_items=SeenItems(store),
        response_log=response_log,
        fetches=Fetches(settings),
        deletions=Deletions(store),
        replicas=(replicas := Replicas(response_log, ReplicaFigures(store))),
        maintenance=Maintenance(store, settings, Scheduler(store, settings, replicas.drift_of, appender)),
        repeated=(Repeating("rates", rates.sync, SYNC_S), Repeating("figures", replicas.write, WRITE_EVERY_S)),
        threads=(threads := Threads(settings)),
        traces=(traces := traces_of(settings, "ihas-api")),
    )
    app.add_middleware(LoadSheddingMiddleware, settings=settings, threads=threads)
    app.add_middleware(AuthenticationMiddleware, settings=settings, keys=key_table, rates=rates)
    policies = policies_of(route for router in (*routers(), scoring.described) for route in router.routes)
    app.add_middleware(RequestLogMiddleware, settings=settings, metrics=metrics, policies=policies)
    if traces is not None:
        app.add_middleware(TracingMiddleware, traces=traces)
    problems.install(app)
    for router in routers():
        app.include_router(router)
    pages.install(app)
    if settings.dashboard:
        dashboard.install(app)
    app.router.routes[:0] = scoring.hot_routes(app.state.parts)
    app.openapi = lambda: describe(app, scoring.described.routes, scoring.STRUCTURES)  # type: ignore[method-assign]  # FastAPI's own way to extend the description
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: AppState = app.state.parts
    await run_in_threadpool(remove_leftovers, parts.store, parts.settings.folder)
    parts.registry.start()
    parts.known_users.start()
    parts.known_items.start()
    parts.response_log.start()
    parts.maintenance.start()
    for one in parts.repeated:
        one.start()
    yield
    parts.draining.set()
    parts.shutdown.set()
    await run_in_threadpool(parts.response_log.close)
    for one in parts.repeated:
        await run_in_threadpool(one.close)
    await run_in_threadpool(parts.maintenance.close)
    await run_in_threadpool(parts.first_load.close)
    await run_in_threadpool(parts.registry.close)
    await run_in_threadpool(parts.known_users.close)
    await run_in_threadpool(parts.known_items.close)
    if parts.traces is not None:
        await run_in_threadpool(parts.traces.close)
    parts.store.close()
