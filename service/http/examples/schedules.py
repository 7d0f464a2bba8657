"""Examples of schedules, shown on the API's description; a test checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PATH = "/v1/models/{name}/schedule"
SETTINGS = {
    "cron": "0 3 * * 1", "zone": "Europe/Berlin", "triggers": None,
    "refresh": {
        "dataset_id": "ds_5f2a", "window": {"days": 28.0, "column": "day"}, "auto_promote": "passing", "priority": 0,
        "settings": {"epochs": 2, "shrink": 0.5, "regroup_above": 0.25},
    },
    "append_events": {"positive": "click", "window_s": 86_400.0, "since": 0.0, "every_s": 86_400.0},
}  # fmt: skip
SCHEDULE: Mapping[str, Any] = {
    "model": "coupon", "settings": SETTINGS, "revision": 1, "actor": "key:3f9a0c5d1b7e2468", "changed_at": "2026-11-10T09:30:00.000Z",
    "next_at": "2026-11-30T02:00:00.000Z", "last_at": "2026-11-23T02:00:41.000Z", "last_due_at": "2026-11-23T02:00:00.000Z",
    "last_why": "cron 0 3 * * 1 in Europe/Berlin.", "last_job_id": "rf_91c0", "last_job_state": "succeeded", "last_error": None,
    "missed": 1, "missed_at": ["2026-11-16T02:00:00.000Z"], "skipped": 0, "skipped_at": None,
    "events_until": "2026-11-22T02:00:41.000Z", "append_version": None,
}  # fmt: skip
BODIES: Mapping[tuple[str, str], Any] = {("put", PATH): SETTINGS}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("get", "/v1/schedules"): {"schedules": [SCHEDULE], "next_cursor": None},
    ("get", PATH): SCHEDULE,
    ("put", PATH): SCHEDULE,
    ("delete", PATH): {"deleted": "coupon/schedule", "bytes": 0},
}
