"""Examples of versions of data sets, shown on the API's description; a test checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AT = "2026-11-02T09:30:00.000Z"
ROWS: Mapping[str, Any] = {"rows": [{"Destination": "Home", "Passanger": "Alone", "Coupon": "Bar", "Y": 0}]}
FILE = "Destination;Passanger;Coupon;Y\nHome;Alone;Coffee House;1\n"
FIRST = {
    "version": 1, "state": "valid", "parent": None, "rows": 12_684, "size": 118_530, "file_sha256": "9f86d081", "sha256": "9f86d081",
    "error": None, "actor": None, "created_at": AT,
}  # fmt: skip
VERSION = {
    "version": 2, "state": "valid", "parent": 1, "rows": 13_100, "size": 4_102, "file_sha256": "60303ae2", "sha256": "2c26b46b",
    "error": None, "actor": "nightly", "created_at": AT,
}  # fmt: skip
CHECKING = {**VERSION, "state": "validating", "rows": None}
LIMITS = {"drift": 0.5, "new_values": None, "missing": 0.2, "click_rate": 0.5}
CHANGES = {
    "rows_before": 12_684, "rows_appended": 416, "click_rate": {"before": 0.568, "appended": 0.552, "low": -0.064, "high": 0.032},
    "fields": [
        {"column": "Coupon", "drift": 0.013, "by_chance": 0.033, "new_values": 0, "new_share": 0.0, "missing_before": 0.0, "missing": 0.0}
    ],
}  # fmt: skip
BASE = "/v1/datasets/{dataset_id}"
BODIES: Mapping[tuple[str, str], Any] = {
    ("post", f"{BASE}/append"): FILE,
    ("post", f"{BASE}/append/rows"): ROWS,
    ("put", f"{BASE}/limits"): LIMITS,
}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("post", f"{BASE}/append"): CHECKING,
    ("post", f"{BASE}/append/rows"): CHECKING,
    ("put", f"{BASE}/limits"): LIMITS,
    ("get", f"{BASE}/versions"): {"versions": [VERSION, FIRST], "next_cursor": None},
    ("get", f"{BASE}/versions/{{version}}"): VERSION,
    ("delete", f"{BASE}/versions/{{version}}"): {"deleted": "ds_5f2a/2", "bytes": 4_102},
}
