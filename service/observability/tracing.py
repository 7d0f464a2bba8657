"""Traces of requests and jobs for a collector that speaks OTLP over HTTP; without one nothing here is imported or measured.

A request's span is the child of the caller's `traceparent`, a job's that of the request that submitted it, wherever its worker is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ihas.errors import ConfigError
from ihas_service.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADER = "traceparent"
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<parent>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}")
FAILED = 500


class Traces:
    """Makes spans and sends them on, in the background."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider, self._tracer, self._form = provider, provider.get_tracer("ihas"), TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, traceparent: str | None, kind: Literal["server", "consumer"], known: Mapping[str, Any]) -> Iterator[Span]:
        """A span until the block ends, below the one that `traceparent` names."""
        from opentelemetry.trace import SpanKind

        above = self._form.extract({} if traceparent is None else {HEADER: traceparent})
        kinds = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER}
        with self._tracer.start_as_current_span(name, above, kinds[kind], known) as span:
            yield span

    def traceparent(self) -> str:
        """What names the span that is open now, as W3C writes it."""
        carrier: dict[str, str] = {}
        self._form.inject(carrier)
        return carrier[HEADER]

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def traces_of(settings: Settings, service: str) -> Traces | None:
    """The traces of a process, None where no collector is named.

    Args:
        settings: of the service.
        service: what the process is called, unless OTEL_SERVICE_NAME says.

    Raises:
        ConfigError: a collector is named, and the packages are not there.
    """
    if settings.otlp_endpoint is None and not os.environ.get(ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigError("Traces need packages that are not installed. Install `ihas[telemetry]`, or name no collector.") from error
    name = os.environ.get("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
    place = None if settings.otlp_endpoint is None else f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=place)))
    return Traces(provider)


class TracingMiddleware:
    """A span for every request (ASGI); what is inside sees it as the request's `traceparent`."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self._app, self._traces = app, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with self._traces.span(scope["method"], Headers(scope=scope).get(HEADER), "server", known) as span:
            others = [(name, value) for name, value in scope["headers"] if name != HEADER.encode()]
            scope["headers"] = [*others, (HEADER.encode(), self._traces.traceparent().encode())]

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note(span, scope, message["status"])
                await send(message)

            await self._app(scope, receive, noted)


def _note(span: Span, scope: Scope, status: int) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("http.response.status_code", status)
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    if status >= FAILED:
        span.set_status(StatusCode.ERROR)
