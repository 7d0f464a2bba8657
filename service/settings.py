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
SecondsOrNever = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
PREFIX = re.compile(r"(?!file:|local:|memory:)[a-z][a-z0-9+.-]*://[^/@\s]+/")
ORIGIN = re.compile(r"(https://[A-Za-z0-9.-]+(?::[0-9]+)?|http://(?:127\.0\.0\.1|localhost)(?::[0-9]+)?)(?=[/?]|$)")
"""Scheme, host and port of an endpoint that a browser may send a code to: https, or this machine."""

Bytes = Annotated[int, Field(ge=1)]


def origin_of(url: str | None) -> str | None:
    """Origin of an endpoint that a browser may send a code to; None for any other text."""
    found = None if url is None else ORIGIN.match(url)
    return None if found is None else found[1]


class Settings(BaseSettings):
    """Settings of the API and of workers: paths, limits, times."""

    model_config = SettingsConfigDict(env_prefix="IHAS_", frozen=True, extra="forbid", use_attribute_docstrings=True)

    database_url: str | None = None
    """SQLAlchemy URL of the database; an SQLite file in `folder` by default."""
    folder: Path = Path("runs")
    """Folder of uploaded data sets, run folders and bundles; shared by the API and all workers."""
    artefacts_url: str | None = None
    """fsspec URL of the store of bundles, such as `s3://bucket/ihas`; bundles stay in `folder` by default."""
    host: str = "127.0.0.1"
    """Address on which the API listens."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port on which the API listens; 0 lets the system choose."""
    access: Literal["local", "keys"] = "local"
    """`local` needs no keys and listens on loopback only; `keys` requires a key or a token with every request."""
    dashboard: bool = True
    """Whether the API answers `/` with the dashboard."""
    key_cache_s: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 5.0
    """Seconds for which a valid key is cached; a revoked key is refused after that."""
    max_requests_per_minute: Annotated[int, Field(ge=0)] = 0
    """Maximum requests of one key per minute, over all processes of the API; 0 for no limit."""
    max_answers_at_once: Annotated[int, Field(ge=1)] = 32
    """Maximum concurrent requests to models per process; further ones wait in order of arrival."""
    compute_threads: Annotated[int, Field(ge=0)] = 0
    """Threads per process for larger answers; 0 for one per available processor."""
    max_requests_at_once: Annotated[int, Field(ge=1)] = 64
    """Maximum other concurrent requests per process, without uploads, downloads and streams."""
    max_wait_s: Seconds = 0.5
    """Maximum seconds that a request waits for a permit; a request is refused if its expected wait is more than half of that."""
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
    """Issuer of OpenID tokens, which are accepted besides keys."""
    oidc_audience: str | None = None
    """Audience that a token must name."""
    oidc_jwks_url: str | None = None
    """URL of the issuer's keys (JWKS); without it, no tokens are accepted."""
    oidc_tenant_claim: str = "tenant"
    """Claim of a token that names the tenant; its claim `scope` lists the scopes."""
    oidc_authorize_url: str | None = None
    """URL of the issuer's authorization endpoint: the dashboard then signs people in by redirection (code with PKCE)."""
    oidc_token_url: str | None = None
    """URL of the issuer's token endpoint, which must admit the dashboard's origin (CORS)."""
    oidc_client_id: str | None = None
    """Client id of the dashboard at the issuer: a public client, whose redirect URI is the dashboard's address."""
    oidc_scope: str = "openid ihas:read ihas:data ihas:search ihas:models ihas:score"
    """Scopes that the dashboard asks the issuer for."""
    lease_s: Seconds = 60.0
    """Seconds without a heartbeat, by the clock of the observer, after which another worker may take over a job."""
    heartbeat_s: Seconds = 5.0
    """Seconds between two heartbeats of a worker; at most half of `lease_s`, so that one may be missed."""
    poll_s: Seconds = 0.5
    """Seconds between two polls of the job table by idle workers and event streams."""
    max_running_per_tenant: Annotated[int, Field(ge=0)] = 0
    """Maximum running searches per tenant, over all workers; 0 for no limit."""
    max_queued_per_tenant: Annotated[int, Field(ge=0)] = 1_000
    """Maximum queued searches per tenant; 0 for no limit."""
    feedback_kept_s: Seconds = 30 * 86_400.0
    """Seconds for which recommendations and events are kept."""
    keep_contexts: bool = True
    """Whether recommendations are kept with the context that the request stated; without it, they become no rows to train on."""
    searches_kept_s: SecondsOrNever = 0.0
    """Seconds after its end for which a search is kept: one that failed or was cancelled is deleted then, of one that succeeded what its
    stages left is removed, while result, report, log and versions stay; 0 keeps all for ever."""
    unused_datasets_kept_s: SecondsOrNever = 0.0
    """Seconds for which an uploaded data set is kept that no search, estimate or schedule names; 0 keeps it for ever."""
    max_dataset_bytes_per_tenant: Annotated[int, Field(ge=0)] = 200 * 2**30
    """Maximum bytes of a tenant's uploaded data sets; an upload that would exceed them is refused with 413; 0 for no limit."""
    max_search_bytes_per_tenant: Annotated[int, Field(ge=0)] = 200 * 2**30
    """Maximum bytes of a tenant's run folders, estimates and bundles; once they are reached, searches are refused with 413; 0 for no
    limit."""
    max_answer_bytes_per_tenant: Annotated[int, Field(ge=0)] = 20 * 2**30
    """Maximum bytes, about, of a tenant's kept recommendations and events; above them the oldest go first; 0 for no limit."""
    max_profile_bytes_per_tenant: Annotated[int, Field(ge=0)] = 64 * 2**20
    """Maximum bytes, about, of the fields of a tenant's known users; every process of the API holds them in memory; 0 for no limit."""
    max_item_field_bytes_per_tenant: Annotated[int, Field(ge=0)] = 64 * 2**20
    """Maximum bytes, about, of the fields of items that a tenant has put; every process of the API holds them in memory; 0 for no limit."""
    max_upload_bytes: Bytes = 20 * 2**30
    """Maximum bytes of an uploaded file."""
    max_expanded_bytes: Bytes = 100 * 2**30
    """Maximum bytes of a compressed file after unpacking."""
    check_memory_bytes: Bytes = 16 * 2**30
    """Maximum memory in bytes of the process that checks a data set."""
    check_cpu_s: Annotated[int, Field(ge=1)] = 3_600
    """Maximum CPU seconds of the process that checks a data set; it is stopped after twice as many seconds of wall time."""
    bundle_load_cpu_s: Annotated[int, Field(ge=1)] = 60
    """Maximum CPU seconds of the process that loads a bundle before the API does, once per bundle; twice as many of wall time."""
    max_request_bytes: Bytes = 8 * 2**20
    """Maximum bytes of any other request's body; routes that read less have smaller limits of their own."""
    auto_promote: Literal["never", "first", "passing"] = "first"
    """Which new versions go live unasked where neither model nor search says so: `first`: the first of a model; `passing`: those that
    meet the gates; `never`: none, each is promoted by a person."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Maximum attempts after a crash of the child, and after the loss of a worker, before a job fails."""
    ray_address: str | None = None
    """`host:port` of the head of a Ray cluster, on whose machines searches train; on the worker's own threads by default."""
    data_roots: tuple[Path, ...] = ()
    """Folders whose files may be named by path instead of being uploaded; empty refuses every path."""
    otlp_endpoint: str | None = None
    """URL of the OTLP collector, such as `http://127.0.0.1:4318`; that of OTEL_EXPORTER_OTLP_ENDPOINT by default."""
    uri_places: tuple[str, ...] = ()
    """URI prefixes from which data sets are fetched, such as `https://data.example.org/` or `s3://bucket/`; empty refuses every URI."""
    uri_private_places: tuple[str, ...] = ()
    """URI prefixes whose hosts may have private addresses."""
    max_fetches_at_once: Annotated[int, Field(ge=1)] = 4
    """Maximum concurrent fetches per process."""
    fetch_s: Seconds = 600.0
    """Maximum seconds for fetching a file."""
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
    def _one_heartbeat_may_be_missed(self) -> Self:
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
    def _people_are_redirected_in_full(self) -> Self:
        asked = (self.oidc_authorize_url, self.oidc_token_url, self.oidc_client_id)
        if any(asked) and (None in asked or self.oidc_jwks_url is None):
            raise ValueError(
                "`oidc_authorize_url`, `oidc_token_url` and `oidc_client_id` go together, and with `oidc_jwks_url`. Set all four "
                "(IHAS_OIDC_AUTHORIZE_URL, IHAS_OIDC_TOKEN_URL, IHAS_OIDC_CLIENT_ID, IHAS_OIDC_JWKS_URL), or none of the first three."
            )
        for url in (self.oidc_authorize_url, self.oidc_token_url):
            if url is not None and not ORIGIN.match(url):
                raise ValueError(f"An endpoint of the issuer must be an https URL, but got {url!r}. Plain http is for this machine only.")
        return self

    @model_validator(mode="after")
    def _prefixes_are_uris(self) -> Self:
        for prefix in (*self.uri_places, *self.uri_private_places):
            if not PREFIX.match(prefix):
                raise ValueError(
                    f"A URI prefix must be scheme://host/path, but got {prefix!r}. For files of this machine, set IHAS_DATA_ROOTS."
                )
        return self

    @property
    def url(self) -> str:
        """The database, as SQLAlchemy writes it."""
        return self.database_url or f"sqlite:///{self.folder.resolve() / 'ihas.db'}"
