"""A data set that has grown: one append that moved it, and one that its limits refused; checked by the test itself, without a worker."""

from __future__ import annotations

from typing import Any

from ihas_service.http.examples.datasets import CHANGES
from ihas_service.http.examples.searches import REPORT
from ihas_service.storage.sql_store import SqlStore
from tests.service.live import LiveServer

MOVED = {
    **CHANGES,
    "click_rate": {"before": 0.568, "appended": 0.48, "low": -0.136, "high": -0.04},
    "fields": [
        {"column": "Coupon", "drift": 0.41, "by_chance": 0.03, "new_values": 2, "new_share": 0.06, "missing_before": 0.0, "missing": 0.02},
        {**CHANGES["fields"][0], "column": "Destination"},
    ],
}  # fmt: skip
REFUSED = (
    "The field's population stability index is 0.900, above the limit of 0.5. Correct the rows, or raise `drift` of the data set's limits."
)
FIRST = b"Destination,Coupon,Y\nHome,Bar,1\n"
MORE = b"Destination,Coupon,Y\nWork,Bar,0\n"
COLUMNS = {
    "label": "click", "item_id": "movie", "user_id": "user", "display": ["title"], "time": None, "ignored": [],
    "fields": [
        {"name": "user", "kind": "categorical", "role": "context", "separator": None},
        {"name": "genres", "kind": "multivalued", "role": "item", "separator": "|"},
        {"name": "movie", "kind": "categorical", "role": "item", "separator": None},
    ],
}  # fmt: skip
USER = {
    **REPORT["profiles"][0], "column": "user", "role": "context", "commonest": [["ada", 3], ["bob", 3]],
}  # fmt: skip
"""Columns of a table whose users are known, and the profile of the users."""


def accepted(store: SqlStore, **changes: Any) -> None:
    """Let the check that waits find its rows valid."""
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, {**REPORT, "findings": [], **changes})


def refused(store: SqlStore, detail: str = REFUSED) -> None:
    """Let the check that waits refuse its rows."""
    check = store.claim("check", 60.0, 1)
    assert check is not None
    finding = {"code": "drift_above_limit", "severity": "error", "message": detail, "row": None, "column": "Coupon"}
    report = {**REPORT, "findings": [finding], "changes": MOVED}
    store.fail(check.id, check.token, {"code": "data", "detail": detail, "findings": [finding]}, report)


def grown(live: LiveServer, store: SqlStore, name: str = "clicks", detail: str = REFUSED) -> str:
    """Id of a data set with version 2, which moved, in use, and version 3, which was refused."""
    dataset = str(live.json("POST", "/v1/datasets", json={"name": name})["id"])
    live.json("PUT", f"/v1/datasets/{dataset}/content", content=FIRST)
    accepted(store)
    live.json("POST", f"/v1/datasets/{dataset}/append", content=MORE)
    accepted(store, changes=MOVED)
    live.json("POST", f"/v1/datasets/{dataset}/append", content=MORE)
    refused(store, detail)
    return dataset
