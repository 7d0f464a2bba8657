"""Requests of both clients: each method describes a request, and the client sends it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import quote

Answer = TypeVar("Answer")
Text = TypeVar("Text")


class Endpoints(Generic[Answer, Text]):
    """Requests of the service. Every refusal is a `ServiceError` with the problem document."""

    def document(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request; its JSON document."""
        raise NotImplementedError

    def text(self, method: str, path: str, **options: Any) -> Text:
        """Send a request; its text."""
        raise NotImplementedError

    def create_dataset(self, name: str, **reading: Any) -> Answer:
        """Create a data set; `reading` is `format`, `delimiter`, `columns`, `limits`, and `path`, `copy_of`, or `uri` and `sha256`."""
        options = {"timeout": None} if {"uri", "copy_of"} & reading.keys() else {}
        return self.document("POST", "/v1/datasets", json={"name": name, **reading}, **options)

    def dataset(self, dataset_id: str) -> Answer:
        """One data set."""
        return self.document("GET", f"/v1/datasets/{dataset_id}")

    def datasets(self, cursor: int | None = None) -> Answer:
        """A page of data sets, newest first."""
        return self.document("GET", "/v1/datasets", params=_given(cursor=cursor))

    def data_report(self, dataset_id: str) -> Answer:
        """Report of the check of a data set."""
        return self.document("GET", f"/v1/datasets/{dataset_id}/report")

    def delete_dataset(self, dataset_id: str) -> Answer:
        """Delete a data set and its file; `StateError` while searches on it wait or run."""
        return self.document("DELETE", f"/v1/datasets/{dataset_id}")

    def append_rows(self, dataset_id: str, rows: Sequence[Mapping[str, Any]], key: str | None = None) -> Answer:
        """Append up to 10,000 rows to a data set: its next version, which is being checked; `key` makes a repetition the same version."""
        return self.document("POST", f"/v1/datasets/{dataset_id}/append/rows", json={"rows": list(rows)}, headers=_key(key))

    def dataset_versions(self, dataset_id: str, cursor: int | None = None) -> Answer:
        """A page of versions of a data set, newest first."""
        return self.document("GET", f"/v1/datasets/{dataset_id}/versions", params=_given(cursor=cursor))

    def dataset_version(self, dataset_id: str, version: int) -> Answer:
        """One version of a data set."""
        return self.document("GET", f"/v1/datasets/{dataset_id}/versions/{version}")

    def dataset_version_report(self, dataset_id: str, version: int) -> Answer:
        """Report of the check of a version, with what it changed."""
        return self.document("GET", f"/v1/datasets/{dataset_id}/versions/{version}/report")

    def delete_dataset_version(self, dataset_id: str, version: int) -> Answer:
        """Delete the newest version of a data set; `StateError` while it is in use."""
        return self.document("DELETE", f"/v1/datasets/{dataset_id}/versions/{version}")

    def limit_growth(self, dataset_id: str, **limits: float) -> Answer:
        """Set how much appended rows may differ: `drift`, `new_values`, `missing`, `click_rate`; what is left out is not limited."""
        return self.document("PUT", f"/v1/datasets/{dataset_id}/limits", json=limits)

    def create_search(self, name: str, dataset_id: str, key: str | None = None, **settings: Any) -> Answer:
        """Submit a search; `settings` is `learning`, `run`, `budget`, `priority`, `dataset_version`, `window`.

        The same `key` is the same search.
        """
        return self.document("POST", "/v1/searches", json={"name": name, "dataset_id": dataset_id, **settings}, headers=_key(key))

    def create_estimate(self, dataset_id: str, **settings: Any) -> Answer:
        """Estimate a search; `settings` is `learning` and `run`, or `ladder` and `seconds`."""
        return self.document("POST", "/v1/searches/estimate", json={"dataset_id": dataset_id, **settings})

    def estimate(self, estimate_id: str) -> Answer:
        """An estimate, once it is ready."""
        return self.document("GET", f"/v1/searches/estimates/{estimate_id}")

    def searches(self, cursor: int | None = None) -> Answer:
        """A page of searches, newest first."""
        return self.document("GET", "/v1/searches", params=_given(cursor=cursor))

    def clone(self, search_id: str, key: str | None = None, **changes: Any) -> Answer:
        """Submit a copy of a search with `changes`."""
        return self.document("POST", f"/v1/searches/{search_id}/clone", json=changes, headers=_key(key))

    def cancel(self, search_id: str) -> Answer:
        """Stop a search."""
        return self.document("POST", f"/v1/searches/{search_id}/cancel")

    def resume(self, search_id: str) -> Answer:
        """Queue a failed or cancelled search again."""
        return self.document("POST", f"/v1/searches/{search_id}/resume")

    def sign_in(self) -> Answer:
        """Whether the service asks for a key or token, and the OpenID provider at which a browser gets one."""
        return self.document("GET", "/v1/sign-in")

    def set_note(self, search_id: str, note: str = "", tags: Sequence[str] = ()) -> Answer:
        """Write down a note and tags of a search, in place of those before."""
        return self.document("PUT", f"/v1/searches/{search_id}/note", json={"note": note, "tags": list(tags)})

    def delete_search(self, search_id: str) -> Answer:
        """Delete a search that has ended, with its run folder; `StateError` while a version is its bundle."""
        return self.document("DELETE", f"/v1/searches/{search_id}")

    def compare(self, first: str, second: str) -> Answer:
        """Two searches that succeeded, side by side."""
        return self.document("GET", "/v1/searches/compare", params={"first": first, "second": second})

    def result(self, search_id: str) -> Answer:
        """Result of a search (`ihas.results.run_result.RunResult`)."""
        return self.document("GET", f"/v1/searches/{search_id}/result")

    def report(self, search_id: str) -> Text:
        """Report of a search, as an HTML page."""
        return self.text("GET", f"/v1/searches/{search_id}/report")

    def logs(self, search_id: str, offset: int = 0) -> Text:
        """Log of a search, from a byte offset."""
        return self.text("GET", f"/v1/searches/{search_id}/logs", params={"offset": offset})

    def plot(self, search_id: str, figure: str) -> Answer:
        """A plot of a search, as plotly JSON."""
        return self.document("GET", f"/v1/searches/{search_id}/plots/{figure}")

    def figures(self, search_id: str) -> Answer:
        """Names of the plots of a search."""
        return self.document("GET", f"/v1/searches/{search_id}/plots")

    def plot_page(self, search_id: str, figure: str) -> Text:
        """A plot of a search, as a self-contained HTML page."""
        return self.text("GET", f"/v1/searches/{search_id}/plots/{figure}", params={"form": "html"})

    def models(self) -> Answer:
        """The newest version of every model."""
        return self.document("GET", "/v1/models")

    def model(self, name: str) -> Answer:
        """One model: versions and summary."""
        return self.document("GET", f"/v1/models/{name}")

    def lineage(self, name: str, version: int) -> Answer:
        """Lineage of a version."""
        return self.document("GET", f"/v1/models/{name}/versions/{version}")

    def delete_version(self, name: str, version: int) -> Answer:
        """Delete a version and its bundle; `StateError` while it is in use."""
        return self.document("DELETE", f"/v1/models/{name}/versions/{version}")

    def delete_model(self, name: str, force: bool = False) -> Answer:
        """Delete a model with all its versions; `StateError` while it is in use, unless `force` is set."""
        return self.document("DELETE", f"/v1/models/{name}", params={"force": "true"} if force else {})

    def promote(self, name: str, version: int, reason: str = "", require_gates: bool = False) -> Answer:
        """Make a version the champion; with `require_gates`, `StateError` if it did not meet its gates."""
        asked = {"version": version, "reason": reason} | ({"require_gates": True} if require_gates else {})
        return self.document("POST", f"/v1/models/{name}/promote", json=asked)

    def roll_back(self, name: str, reason: str = "", to: int | str | None = None) -> Answer:
        """Roll back to the former champion, or to a version, or to `none`."""
        asked: dict[str, Any] = {"reason": reason} | ({} if to is None else {"to": to})
        return self.document("POST", f"/v1/models/{name}/rollback", json=asked)

    def promotion(self, name: str) -> Answer:
        """Which new versions of a model go live without a person, and the bounds of the gates."""
        return self.document("GET", f"/v1/models/{name}/promotion")

    def set_promotion(self, name: str, auto_promote: str | None = None, gates: Mapping[str, float] | None = None) -> Answer:
        """Say which new versions go live without a person: `never`, `first`, `passing`, or the service's default; and the bounds."""
        return self.document("PUT", f"/v1/models/{name}/promotion", json={"auto_promote": auto_promote, "gates": dict(gates or {})})

    def gates(self, name: str, version: int) -> Answer:
        """What the gates said of a version."""
        return self.document("GET", f"/v1/models/{name}/versions/{version}/gates")

    def schedules(self, cursor: str | None = None) -> Answer:
        """A page of schedules, by name of the model."""
        return self.document("GET", "/v1/schedules", params={} if cursor is None else {"cursor": cursor})

    def schedule(self, name: str) -> Answer:
        """When a model is refreshed by itself, and what came of it."""
        return self.document("GET", f"/v1/models/{name}/schedule")

    def set_schedule(self, name: str, settings: Mapping[str, Any], revision: int | None = None) -> Answer:
        """Refresh a model by itself; `settings` is `cron` and `zone`, or `triggers`, and `refresh`; see `docs/service/schedules.md`."""
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        return self.document("PUT", f"/v1/models/{name}/schedule", json=dict(settings), headers=headers)

    def delete_schedule(self, name: str) -> Answer:
        """Refresh a model no longer by itself; a refresh that has begun goes on."""
        return self.document("DELETE", f"/v1/models/{name}/schedule")

    def put_user(self, name: str, user: str, fields: Mapping[str, Any]) -> Answer:
        """Put fields of a known user, which requests may leave out, without a new model."""
        return self.document("PUT", f"/v1/models/{name}/users/{_id(user)}", json={"fields": dict(fields)})

    def put_users(self, name: str, users: Mapping[str, Mapping[str, Any]]) -> Answer:
        """The same of up to 1,000 users at once, by user."""
        stated = [{"user": user, "fields": dict(fields)} for user, fields in users.items()]
        return self.document("PUT", f"/v1/models/{name}/users", json={"users": stated})

    def user(self, name: str, user: str) -> Answer:
        """Fields of a user that were put."""
        return self.document("GET", f"/v1/models/{name}/users/{_id(user)}")

    def put_item(self, name: str, item: str, fields: Mapping[str, Any]) -> Answer:
        """Put fields of an item, which count in the place of those of the model, without a new model; also of an item that is new."""
        return self.document("PUT", f"/v1/models/{name}/items/{_id(item)}", json={"fields": dict(fields)})

    def put_items(self, name: str, items: Mapping[str, Mapping[str, Any]]) -> Answer:
        """The same of up to 1,000 items at once, by item."""
        stated = [{"item": item, "fields": dict(fields)} for item, fields in items.items()]
        return self.document("PUT", f"/v1/models/{name}/items", json={"items": stated})

    def item(self, name: str, item: str) -> Answer:
        """What was put of an item, and what counts of it now."""
        return self.document("GET", f"/v1/models/{name}/items/{_id(item)}")

    def items(self, name: str) -> Answer:
        """How many items have fields that were put, and their bytes."""
        return self.document("GET", f"/v1/models/{name}/items")

    def delete_item(self, name: str, item: str) -> Answer:
        """Forget what was put of an item."""
        return self.document("DELETE", f"/v1/models/{name}/items/{_id(item)}")

    def delete_items(self, name: str, put_before: float | str | None = None) -> Answer:
        """Forget what was put of all items, or what was put before a time: RFC 3339, or seconds since 1970."""
        asked = {} if put_before is None else {"put_before": put_before}
        return self.document("DELETE", f"/v1/models/{name}/items", params=asked)

    def users(self, name: str) -> Answer:
        """How many users have fields that were put, and their bytes."""
        return self.document("GET", f"/v1/models/{name}/users")

    def delete_user(self, name: str, user: str) -> Answer:
        """Forget the fields that were put of a user, and which items of kept events the user has clicked."""
        return self.document("DELETE", f"/v1/models/{name}/users/{_id(user)}")

    def alias_history(self, name: str, alias: str = "champion") -> Answer:
        """History of an alias."""
        return self.document("GET", f"/v1/models/{name}/aliases/{alias}/history")

    def delete_alias(self, name: str, alias: str, reason: str = "") -> Answer:
        """Delete an alias; `StateError` for `champion`."""
        return self.document("DELETE", f"/v1/models/{name}/aliases/{alias}", params={"reason": reason} if reason else {})

    def traffic(self, name: str) -> Answer:
        """Traffic split of a model."""
        return self.document("GET", f"/v1/models/{name}/traffic")

    def divide(self, name: str, plan: Mapping[str, Any], revision: int | None = None) -> Answer:
        """Set a model's traffic split; with `revision`, only if it is unchanged since."""
        expected = "*" if revision is None else f'"{revision}"'
        return self.document("PUT", f"/v1/models/{name}/traffic", json=dict(plan), headers={"if-match": expected})

    def online(self, name: str, within_s: float = 604_800.0) -> Answer:
        """Online metrics of a model."""
        return self.document("GET", f"/v1/models/{name}/online", params={"within_s": within_s})

    def off_policy(self, name: str, version: int | None = None, **asked: Any) -> Answer:
        """What a version would have earned: IPS, SNIPS and doubly robust; `asked` is `within_s`, `window_s`, `positive`, `open`, `answers`,
        `confidence`."""
        params = _given(version=version) | {
            part: str(value).lower() if value is True or value is False else value for part, value in asked.items()
        }
        return self.document("GET", f"/v1/models/{name}/online/off-policy", params=params)

    def score(self, name: str, rows: Sequence[Mapping[str, Any]], explain: bool = False, version: int | None = None) -> Answer:
        """Score rows."""
        asked = {"rows": list(rows), "explain": explain}
        return self.document("POST", f"/v1/models/{name}/score", json=asked, params=_given(version=version))

    def recommend(self, name: str, request: Mapping[str, Any], version: int | None = None) -> Answer:
        """Recommend items; `request` is `context`, `candidates`, `k`, `exclude`, `filter`, `diversity` and `explain`."""
        return self.document("POST", f"/v1/models/{name}/recommend", json=dict(request), params=_given(version=version))

    def create_batch(self, name: str, dataset_id: str, key: str | None = None, **asked: Any) -> Answer:
        """Answer every row of a data set; `asked` is `dataset_version`, `version` of the model and `items` (`k`, `filter`)."""
        return self.document("POST", f"/v1/models/{name}/batch", json={"dataset_id": dataset_id, **asked}, headers=_key(key))

    def batch(self, batch_id: str) -> Answer:
        """One batch."""
        return self.document("GET", f"/v1/batches/{batch_id}")

    def batches(self, cursor: int | None = None) -> Answer:
        """A page of batches, newest first."""
        return self.document("GET", "/v1/batches", params=_given(cursor=cursor))

    def cancel_batch(self, batch_id: str) -> Answer:
        """Stop a batch."""
        return self.document("POST", f"/v1/batches/{batch_id}/cancel")

    def delete_batch(self, batch_id: str) -> Answer:
        """Delete a batch that has ended, with its rows."""
        return self.document("DELETE", f"/v1/batches/{batch_id}")

    def frontier(self, name: str, version: int | None = None) -> Answer:
        """Pareto frontier of the search behind a version, the newest by default."""
        return self.document("GET", f"/v1/models/{name}/frontier", params=_given(version=version))

    def choose(self, name: str, point: str, version: int | None = None) -> Answer:
        """Register another point of that frontier as the model's next version; a version that serves it already is the answer."""
        return self.document("POST", f"/v1/models/{name}/choose", json={"point": point, "version": version})

    def refresh(self, name: str, dataset_id: str, key: str | None = None, **options: Any) -> Answer:
        """Carry the run behind a version on with newer rows, without a search; followed like a search.

        `options` is `version`, `settings`, `priority` and `auto_promote`; `key` makes a repetition the same refresh.
        """
        return self.document("POST", f"/v1/models/{name}/refresh", json={"dataset_id": dataset_id, **options}, headers=_key(key))

    def add_interactions(self, name: str, interactions: Sequence[Mapping[str, str]], version: int | None = None) -> Answer:
        """Append interactions, `user` and `item` each, oldest first, to an OverRec model; its next version."""
        asked = {"interactions": [dict(one) for one in interactions], "version": version}
        return self.document("POST", f"/v1/models/{name}/interactions", json=asked)

    def add_cold_start_model(self, name: str, cold_start_model: str, register_as: str, user_field: str = "user") -> Answer:
        """Add an OverRec model as the cold-start model of a trained one; the version that comes out."""
        body = {"cold_start_model": cold_start_model, "register_as": register_as, "user_field": user_field}
        return self.document("POST", f"/v1/models/{name}/cold-start", json=body)

    def put_front(self, name: str, front: str, register_as: str, user_field: str = "user") -> Answer:
        """Deprecated name of `add_cold_start_model`; goes with version 0.3.0."""
        warnings.warn("`put_front` is called `add_cold_start_model` now.", DeprecationWarning, stacklevel=2)
        return self.add_cold_start_model(name, front, register_as, user_field)

    def what_if(self, name: str, row: Mapping[str, Any], **changes: Any) -> Answer:
        """What-if: answers of the models of all groups for one row."""
        return self.document("POST", f"/v1/models/{name}/what-if", json={"row": dict(row), "changes": changes})

    def report_events(self, events: Sequence[Mapping[str, Any]]) -> Answer:
        """Report events: `item_id`, `kind`, `value` and `at` each, of a `recommendation_id`, or else of `model` and `context`."""
        return self.document("POST", "/v1/events", json={"events": list(events)})

    def create_event_dataset(self, name: str, dataset_name: str, **asked: Any) -> Answer:
        """Make a data set of what a model showed; `asked` as that of `export_events`, but for `format`."""
        return self.document("POST", f"/v1/models/{name}/events/dataset", json={"name": dataset_name, **asked}, timeout=None)

    def usage(self) -> Answer:
        """Bytes that the tenant keeps of data sets, searches and answers: `used` and `limit`."""
        return self.document("GET", "/v1/usage")

    def caller(self) -> Answer:
        """Tenant, name and scopes of the key that asks."""
        return self.document("GET", "/v1/caller")

    def create_key(self, name: str, scopes: Sequence[str], expires_in_s: float | None = None) -> Answer:
        """Create a key; its text is only in this response."""
        return self.document("POST", "/v1/keys", json={"name": name, "scopes": list(scopes), "expires_in_s": expires_in_s})

    def keys(self) -> Answer:
        """The tenant's keys."""
        return self.document("GET", "/v1/keys")

    def rotate_key(self, key_id: str, grace_s: float = 86_400.0) -> Answer:
        """Replace a key; the old one stays valid for `grace_s` seconds."""
        return self.document("POST", f"/v1/keys/{key_id}/rotate", json={"grace_s": grace_s})

    def revoke_key(self, key_id: str) -> Answer:
        """Revoke a key."""
        return self.document("DELETE", f"/v1/keys/{key_id}")


def _key(key: str | None) -> dict[str, str]:
    return {} if key is None else {"idempotency-key": key}


def _given(**values: int | None) -> dict[str, int]:
    return {name: value for name, value in values.items() if value is not None}


def _id(named: str) -> str:
    """An id as the end of a path; `.` and `..` would lead elsewhere."""
    return quote(named, safe="") if named.strip(".") else named.replace(".", "%2E")
