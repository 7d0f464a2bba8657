"""Examples of requests and answers about releases and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AT = "2026-11-21T09:30:00.000Z"
REASON = "Better on the week's clicks."
ALIAS = {"alias": "champion", "version": 2, "revision": 3}
CANARY = {"version": 3, "percent": 5.0, "groups": None}
PLAN: Mapping[str, Any] = {"canary": CANARY, "sticky_field": "user", "shadows": [4]}
TRAFFIC: Mapping[str, Any] = {**PLAN, "revision": 1, "champion": 2, "actor": "key:3f9a0c5d1b7e2468", "changed_at": AT}
CHANGE = {"revision": 3, "version": 2, "kind": "set", "actor": "key:3f9a0c5d1b7e2468", "reason": REASON, "at": AT}
KEY = {
    "id": "3f9a0c5d1b7e2468", "name": "shop front", "scopes": ["score", "read"], "created_at": AT, "expires_at": None, "revoked_at": None,
}  # fmt: skip
NEW_KEY: Mapping[str, Any] = {**KEY, "key": "ihas_3f9a0c5d1b7e2468_ and 48 more digits"}
LINEAGE = {
    "name": "coupon", "version": 1, "search_id": "sr_91c0", "created_at": AT, "dataset_id": "ds_5f2a", "dataset_name": "coupons",
    "dataset_sha256": "9f86d081", "seed": 1, "recipe": {"learning": {"seed": 1}, "run": {"num_threads": 0}}, "manifest_sha256": "5feceb66",
    "chosen": "grouped", "test": {"rows": 1268, "auc": 0.7873, "log_loss": 0.5531, "calibration": 0.981},
}  # fmt: skip
MODEL = "/v1/models/{name}"
BODIES: Mapping[tuple[str, str], Any] = {
    ("put", f"{MODEL}/aliases/{{alias}}"): {"version": 2, "reason": REASON},
    ("post", f"{MODEL}/promote"): {"version": 2, "reason": REASON},
    ("post", f"{MODEL}/rollback"): {"reason": "Clicks fell."},
    ("put", f"{MODEL}/traffic"): PLAN,
    ("post", "/v1/keys"): {"name": "shop front", "scopes": ["score", "read"]},
    ("post", "/v1/keys/{key_id}/rotate"): {"grace_s": 3600.0},
}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("get", f"{MODEL}/versions/{{version}}"): LINEAGE,
    ("get", f"{MODEL}/aliases"): {"aliases": [ALIAS]},
    ("get", f"{MODEL}/aliases/{{alias}}"): ALIAS,
    ("put", f"{MODEL}/aliases/{{alias}}"): ALIAS,
    ("get", f"{MODEL}/aliases/{{alias}}/history"): {"changes": [CHANGE], "next_cursor": None},
    ("post", f"{MODEL}/promote"): ALIAS,
    ("post", f"{MODEL}/rollback"): {**ALIAS, "version": 1, "revision": 4},
    ("get", f"{MODEL}/traffic"): TRAFFIC,
    ("put", f"{MODEL}/traffic"): TRAFFIC,
    ("post", "/v1/keys"): NEW_KEY,
    ("get", "/v1/keys"): {"keys": [KEY]},
    ("post", "/v1/keys/{key_id}/rotate"): NEW_KEY,
    ("delete", "/v1/keys/{key_id}"): {**KEY, "revoked_at": AT},
    ("get", "/startupz"): {"status": "ready", "models": {}},
}
