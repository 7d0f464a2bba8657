"""Settings of the service, read from the environment (`IHAS_*`) where a process starts and handed down from there."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
PLACE = re.compile(r"(?!file:|local:|memory:)[a-z][a-z0-9+.-]*://[^/@\s]+/")
Bytes = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Where things are, and how long things may take."""

    model_config = SettingsConfigDict(env_prefix="IHAS_", frozen=True, extra="forbid", use_attribute_docstrings=True)

    database_url: str | None = None
    """Database of jobs, as SQLAlchemy writes it; without it, an SQLite file in `folder`."""
    folder: Path = Path("runs")
    """Folder of uploaded data sets, run folders and bundles; the API and every worker must see the same one."""
    artefacts_url: str | None = None
    """Store of bundles, as fsspec writes it, such as `s3://bucket/ihas`; without it, they stay in `folder`."""
    host: str = "127.0.0.1"
    """Address that the API listens on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port that the API listens on; 0 lets the system choose."""
    access: Literal["local", "keys"] = "local"
    """`local` asks for no keys and therefore listens on loopback only; `keys` wants a key or a token with every request."""
    key_cache_s: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 5.0
    """Seconds that a key which was found is remembered; a revoked one opens nothing after that."""
    max_requests_per_minute: Annotated[int, Field(ge=0)] = 0
    """Requests of one key that each process answers in a minute; 0 for no limit."""
    max_answers_at_once: Annotated[int, Field(ge=1)] = 32
    """Questions to models that a process answers at the same time; the next ones wait, each in its turn."""
    compute_threads: Annotated[int, Field(ge=0)] = 0
    """Threads that a process computes larger answers in; 0 for as many as it may use processors."""
    max_requests_at_once: Annotated[int, Field(ge=1)] = 64
    """Other requests that a process answers at the same time, but for uploads, downloads and streams."""
    max_wait_s: Seconds = 0.5
    """Seconds that a request may wait for its turn; one that seems to wait longer than half of that is refused."""
    max_bad_keys_per_minute: Annotated[int, Field(ge=0)] = 60
    """Requests with an unknown key that one address is told 401 in a minute, and then 429; valid keys are never refused; 0 for no limit."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed, such as `10.0.0.0/8,192.0.2.7`; empty believes nobody's."""
    max_connections: Annotated[int, Field(ge=1)] = 2_000
    """Connections that a process holds at once, at most two thirds of the files that it may open; the longest idle one goes first."""
    max_header_bytes: Annotated[int, Field(ge=1_024, le=65_536)] = 32_768
    """Bytes of a request's target and headers, 32 more counted for each header; a larger request is refused with 431."""
    header_timeout_s: Seconds = 10.0
    """Seconds within which the headers of a request must have come, also those of the first one of a connection."""
    body_timeout_s: Seconds = 30.0
    """Seconds within which the body of a request must have come, or 1 KiB a second of a file; and within which a client must read on."""
    oidc_issuer: str | None = None
    """Issuer of the OpenID tokens that are taken beside keys."""
    oidc_audience: str | None = None
    """Audience that such a token must name."""
    oidc_jwks_url: str | None = None
    """Where the issuer publishes its keys (JWKS); without it, no token is taken."""
    oidc_tenant_claim: str = "tenant"
    """Claim of a token that names its tenant; its claim `scope` lists what it may do."""
    lease_s: Seconds = 60.0
    """Seconds without a heartbeat, by the clock of who looks for one, after which another worker may take a job."""
    heartbeat_s: Seconds = 5.0
    """Seconds between two heartbeats of a worker; at most half of `lease_s`, so that one may be missed."""
    poll_s: Seconds = 0.5
    """Seconds between two looks at the job table, where a worker or a stream of events waits for news."""
    max_running_per_tenant: Annotated[int, Field(ge=0)] = 0
    """Searches of one tenant at work at the same time, over all workers; 0 for no limit."""
    max_queued_per_tenant: Annotated[int, Field(ge=0)] = 1_000
    """Searches of one tenant that may wait; 0 for no limit."""
    feedback_kept_s: Seconds = 30 * 86_400.0
    """Seconds that answers and events are kept."""
    max_upload_bytes: Bytes = 20 * 2**30
    """Largest file that may be uploaded."""
    max_expanded_bytes: Bytes = 100 * 2**30
    """Most bytes that a compressed file may unpack to."""
    check_memory_bytes: Bytes = 16 * 2**30
    """Memory that the process may use which checks a data set."""
    check_cpu_s: Annotated[int, Field(ge=1)] = 3_600
    """Seconds that the process may compute which checks a data set; it ends after twice as many by the clock."""
    max_request_bytes: Bytes = 8 * 2**20
    """Largest body of any other request."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Times that a job is begun whose worker or child died, before it fails."""
    data_roots: tuple[Path, ...] = ()
    """Folders whose files a data set may name by path instead of an upload; empty refuses every path."""
    otlp_endpoint: str | None = None
    """Collector that traces are sent to, such as `http://127.0.0.1:4318`; without it, that of OTEL_EXPORTER_OTLP_ENDPOINT, or none."""
    uri_places: tuple[str, ...] = ()
    """Where files of data sets are fetched from, such as `https://data.example.org/clicks/` or `s3://bucket/`; empty refuses every URI."""
    uri_private_places: tuple[str, ...] = ()
    """The same for places that may lie at addresses of this machine or network."""
    max_fetches_at_once: Annotated[int, Field(ge=1)] = 4
    """Files that a process fetches at the same time."""
    fetch_s: Seconds = 600.0
    """Seconds that fetching a file may take."""
    drain_s: Seconds = 10.0
    """Seconds for which `/readyz` says 503 after SIGTERM while all is answered, and then those that requests or a child have to end."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        """A list as JSON, or parts between commas."""
        if not isinstance(value, str):
            return value
        return json.loads(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            try:
                ipaddress.ip_network(part)
            except ValueError as error:
                raise ValueError(
                    f"`trusted_proxies` must hold addresses or networks, but got {part!r} ({error}). Write it as 10.0.0.0/8 or 192.0.2.7."
                ) from None
        return value

    @model_validator(mode="after")
    def _a_heartbeat_may_be_missed(self) -> Self:
        if 2 * self.heartbeat_s > self.lease_s:
            raise ValueError(
                f"`2 * heartbeat_s <= lease_s` must hold, but got ({self.heartbeat_s}, {self.lease_s}). "
                "Lower `heartbeat_s` (IHAS_HEARTBEAT_S) or raise `lease_s` (IHAS_LEASE_S)."
            )
        return self

    @model_validator(mode="after")
    def _tokens_are_checked_in_full(self) -> Self:
        if self.oidc_jwks_url is not None and None in (self.oidc_issuer, self.oidc_audience):
            raise ValueError(
                "With `oidc_jwks_url`, `oidc_issuer` and `oidc_audience` must be set too (IHAS_OIDC_ISSUER, IHAS_OIDC_AUDIENCE)."
            )
        return self

    @model_validator(mode="after")
    def _places_are_of_stores(self) -> Self:
        for place in (*self.uri_places, *self.uri_private_places):
            if not PLACE.match(place):
                raise ValueError(
                    f"A place must be scheme://host/path of a store, and files of this machine are IHAS_DATA_ROOTS, but got {place!r}."
                )
        return self

    @property
    def url(self) -> str:
        """The database, as SQLAlchemy writes it."""
        return self.database_url or f"sqlite:///{self.folder.resolve() / 'ihas.db'}"
