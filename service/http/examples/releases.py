"""Examples of requests and answers about releases and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AT = "2026-11-21T09:30:00.000Z"
REASON = "Better on the week's clicks."
ALIAS = {"alias": "champion", "version": 2, "revision": 3}
CANARY = {"version": 3, "percent": 5.0, "groups": [0, 1]}
EXPLORE = {"percent": 5.0, "pool": 20}
PLAN: Mapping[str, Any] = {"canary": CANARY, "sticky_field": "user", "shadows": [4], "shadow_groups": [0]}
COMPARED: Mapping[str, Any] = {"canaries": [CANARY], "experiment": None, "interleave": {"version": 5, "percent": 1.0}, "explore": EXPLORE}
TRAFFIC: Mapping[str, Any] = {**PLAN, **COMPARED, "revision": 1, "champion": 2, "actor": "key:3f9a0c5d1b7e2468", "changed_at": AT}
CHANGE = {"revision": 3, "version": 2, "kind": "set", "actor": "key:3f9a0c5d1b7e2468", "reason": REASON, "at": AT}
KEY = {
    "id": "3f9a0c5d1b7e2468", "name": "shop front", "scopes": ["score", "read"], "created_at": AT, "expires_at": None, "revoked_at": None,
}  # fmt: skip
NEW_KEY: Mapping[str, Any] = {**KEY, "key": "ihas_3f9a0c5d1b7e2468_ and 48 more digits"}
LINEAGE = {
    "name": "coupon", "version": 1, "search_id": "sr_91c0", "created_at": AT, "dataset_id": "ds_5f2a", "dataset_name": "coupons",
    "dataset_version": 1, "window": None,
    "dataset_sha256": "9f86d081", "seed": 1, "recipe": {"learning": {"seed": 1}, "run": {"num_threads": 0}}, "manifest_sha256": "5feceb66",
    "chosen": "grouped", "test": {"rows": 1268, "auc": 0.7873, "log_loss": 0.5531, "calibration": 0.981},
}  # fmt: skip
SEARCH_COPY: Mapping[str, Any] = {"learning": {"training": {"epochs": 30}}, "priority": 5}
COMPARISON = {
    "searches": ["sr_91c0", "sr_7aa2"], "chosen": ["static", "grouped"], "same_data": True,
    "settings": [{"setting": "training.epochs", "first": 60, "second": 30}],
    "figures": [{"figure": "test.auc", "first": 0.7858, "second": 0.7873, "difference": 0.0015}],
}  # fmt: skip
EVENTS: Mapping[str, Any] = {
    "events": [
        {"recommendation_id": "rc_7d1e", "item_id": "Bar", "kind": "impression"},
        {"recommendation_id": "rc_7d1e", "item_id": "Bar", "kind": "click"},
        {"model": "coupon", "context": {"Destination": "Home"}, "item_id": "Bar", "kind": "rating", "value": 4.0, "at": AT},
    ]
}
EVENT_DATASET: Mapping[str, Any] = {"name": "last week", "since": "2026-11-14T00:00:00Z", "window_s": 86_400.0, "positive": "click"}
EXPORTED = '{"Y": 1, "Destination": "Home", "Coupon": "Bar", "at": 1795253400.125}\n'
MADE_DATASET = {
    "id": "ds_77b0", "name": "last week", "state": "validating", "labelled": True, "version": 1, "size": 118_530, "sha256": "9f86d081",
    "limits": {"drift": None, "new_values": None, "missing": None, "click_rate": None}, "error": None, "created_at": AT,
}  # fmt: skip
ONLINE = {
    "model": "coupon", "within_s": 604800.0, "drift": 0.012,
    "groups": [
        {
            "version": 2, "group": 0, "impressions": 1200, "clicks": 310, "click_through": 0.2583, "low": 0.2344, "high": 0.2838,
            "calibration": 1.04, "share": 1.0,
        }
    ],
    "routing": {
        "rows": 20_000, "group_drift": 0.031, "gate_drift": 0.004, "gate_drift_of_field": {"Destination": 0.002, "Coupon": 0.006},
        "margin_drift": None, "margin_drift_of_field": {}, "far_share": 0.013, "training_far_share": 0.01,
        "groups": [{"group": 0, "share": 0.62, "training_share": 0.58, "far_share": 0.012}],
    },
    "shadows": [{"version": 4, "requests": 800, "failures": 0, "mean_difference": 0.021, "mean_ms": 0.9}],
    "trial": {
        "trial": 1, "began": AT, "ended": None, "alpha": 0.05, "rules": {"alpha": 0.05, "minimum_effect": 0.01, "promote": True},
        "arms": [
            {
                "version": 2, "role": "champion", "answers": 9500, "clicks": 950, "clicks_per_answer": 0.1, "difference": None,
                "low": None, "high": None, "p_value": None, "finding": None, "answers_needed": None,
            },
            {
                "version": 3, "role": "canary", "answers": 9480, "clicks": 1090, "clicks_per_answer": 0.115, "difference": 0.015,
                "low": 0.0016, "high": 0.0284, "p_value": 0.02, "finding": "better", "answers_needed": 19_800,
            },
        ],
        "preference": {
            "version": 5, "answers": 400, "wins": 61, "losses": 47, "margin": 0.035, "low": -0.08, "high": 0.15, "p_value": 1.0,
            "sign_test": 0.21,
        },
        "decisions": [],
    },
}  # fmt: skip
OFF_POLICY: Mapping[str, Any] = {
    "model": "coupon", "version": 3, "within_s": 604800.0, "answers": 5000, "explored": 251, "left_out": 0,
    "served": {"value": 0.261, "low": 0.247, "high": 0.275, "effective": 5000.0},
    "ips": {"value": 0.284, "low": 0.221, "high": 0.347, "effective": 612.0},
    "snips": {"value": 0.279, "low": 0.229, "high": 0.329, "effective": 612.0},
    "doubly_robust": {"value": 0.281, "low": 0.236, "high": 0.326, "effective": 612.0},
}  # fmt: skip
WHAT_IF: Mapping[str, Any] = {"row": {"Destination": "Home", "Age": "21", "Coupon": "Bar"}, "changes": {"Age": "50plus"}}
WHAT_IF_ANSWER = {
    "model": "coupon", "version": 2, "group": 1, "changed_from": 0,
    "groups": [
        {"group": 0, "path": "shared-for-group-0", "score": 0.41, "distance": None, "group_score": -1.25},
        {"group": 1, "path": "group-1", "score": 0.38, "distance": None, "group_score": 1.25},
    ],
}  # fmt: skip
INFER: Mapping[str, Any] = {
    "id": "1",
    "inputs": [
        {"name": "Destination", "shape": [2], "datatype": "BYTES", "data": ["Home", "Work"]},
        {"name": "Coupon", "shape": [2], "datatype": "BYTES", "data": ["Bar", "Coffee House"]},
    ],
    "outputs": [{"name": "score"}],
}
INFERRED = {
    "model_name": "coupon", "model_version": "2", "id": "1",
    "outputs": [{"name": "score", "shape": [2], "datatype": "FP64", "data": [0.41, 0.62]}],
}  # fmt: skip
METADATA = {
    "name": "coupon", "versions": ["2", "1"], "platform": "ihas",
    "inputs": [{"name": "Destination", "datatype": "BYTES", "shape": [-1]}],
    "outputs": [{"name": "score", "datatype": "FP64", "shape": [-1]}],
}  # fmt: skip
V2 = "/v2/models/{model_name}"
OF_VERSION = f"{V2}/versions/{{model_version}}"
ESTIMATE: Mapping[str, Any] = {
    "advice": None,
    "id": "es_11d0", "dataset_id": "ds_5f2a", "state": "succeeded", "stage": "evaluate", "progress": 1.0,
    "message": "The estimate is ready.", "error": None,
    "estimate": {
        "rows": 10142, "pilot_rows": [1000, 4000], "pilot_seconds": [9.1, 14.8], "seconds_low": 22.0, "seconds_high": 38.0,
        "memory_bytes": 900_000_000, "parameters": 4729, "chosen_in_pilot": "static",
        "gain": {"difference": 0.004, "low": -0.01, "high": 0.018},
        "advice": "The pilot chose `static`, within chance of the plain model on its test rows. More rows may tell.",
    },
}  # fmt: skip
MODEL = "/v1/models/{name}"
BOUNDS = {"auc_tolerance": 0.002, "calibration_low": 0.8, "calibration_high": 1.25, "calibration_error": 0.1, "latency_ratio": 2.0}
PROMOTION_SETTINGS: Mapping[str, Any] = {"auto_promote": "passing", "gates": {"auc_tolerance": 0.002}}
PROMOTION: Mapping[str, Any] = {
    "auto_promote": "passing", "by_default": False, "gates": BOUNDS, "revision": 1, "actor": "key:3f9a0c5d1b7e2468", "changed_at": AT,
}  # fmt: skip
GATE = {
    "name": "auc", "passed": True,
    "detail": "AUC minus the champion's on 1,268 rows is +0.0031, between +0.0004 and +0.0058 (95 %); the lower end is at least -0.0020.",
}  # fmt: skip
GATES: Mapping[str, Any] = {
    "name": "coupon", "version": 2, "candidate": False, "passed": True, "champion": 1, "rows": 1268, "gates": [GATE],
}  # fmt: skip
COLD_START = {"cold_start_model": "walks", "user_field": "user", "register_as": "shop-with-histories"}
COLD_STARTED = {"name": "shop-with-histories", "version": 1, "search_id": "sr_91c0", "created_at": AT}
METRICS = {"rows": 1268, "auc": 0.7873, "log_loss": 0.5531, "calibration": 0.981}
POINT = {
    "name": "static", "dominated": False, "num_groups": 1, "valid": METRICS, "test": METRICS, "multiply_adds": 3110.0, "parameters": 4410,
    "memory_bytes": 31_204, "row_p99_us": 19.4, "candidates": 500, "candidates_p99_us": 96.2, "version": 1,
}  # fmt: skip
FRONTIER: Mapping[str, Any] = {
    "name": "coupon", "version": 1, "search_id": "sr_91c0", "kept": True, "chosen": "static",
    "points": [POINT, {**POINT, "name": "members x2", "multiply_adds": 6672.0, "parameters": 9458, "version": None}],
}  # fmt: skip
BODIES: Mapping[tuple[str, str], Any] = {
    ("post", f"{MODEL}/choose"): {"point": "members x2"},
    ("post", f"{MODEL}/refresh"): {"dataset_id": "ds_5f2a", "settings": {"epochs": 2}},
    ("post", f"{MODEL}/interactions"): {"interactions": [{"user": "7", "item": "31"}], "version": 1},
    ("post", f"{MODEL}/cold-start"): COLD_START,
    ("post", f"{MODEL}/front"): COLD_START,
    ("put", f"{MODEL}/aliases/{{alias}}"): {"version": 2, "reason": REASON},
    ("post", f"{MODEL}/promote"): {"version": 2, "reason": REASON},
    ("post", f"{MODEL}/rollback"): {"reason": "Clicks fell."},
    ("put", f"{MODEL}/promotion"): PROMOTION_SETTINGS,
    ("put", f"{MODEL}/traffic"): {**PLAN, "interleave": {"version": 5, "percent": 1.0}},
    ("post", "/v1/searches/{search_id}/clone"): SEARCH_COPY,
    ("post", "/v1/searches/estimate"): {"dataset_id": "ds_5f2a", "learning": {"seed": 1}},
    ("post", "/v1/events"): EVENTS,
    ("post", f"{MODEL}/events/dataset"): EVENT_DATASET,
    ("post", f"{MODEL}/what-if"): WHAT_IF,
    ("post", f"{V2}/infer"): INFER,
    ("post", f"{OF_VERSION}/infer"): INFER,
    ("post", "/v1/keys"): {"name": "shop front", "scopes": ["score", "read"]},
    ("post", "/v1/keys/{key_id}/rotate"): {"grace_s": 3600.0},
}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("get", f"{MODEL}/frontier"): FRONTIER,
    ("post", f"{MODEL}/choose"): {"name": "coupon", "version": 2, "search_id": "sr_91c0", "created_at": AT},
    ("post", f"{MODEL}/interactions"): {"name": "walks", "version": 2, "search_id": "sr_91c0", "created_at": AT},
    ("post", f"{MODEL}/cold-start"): COLD_STARTED,
    ("post", f"{MODEL}/front"): COLD_STARTED,
    ("get", f"{MODEL}/versions/{{version}}"): LINEAGE,
    ("get", f"{MODEL}/aliases"): {"aliases": [ALIAS]},
    ("get", f"{MODEL}/aliases/{{alias}}"): ALIAS,
    ("put", f"{MODEL}/aliases/{{alias}}"): ALIAS,
    ("delete", f"{MODEL}/aliases/{{alias}}"): {"deleted": "coupon/next", "bytes": 0},
    ("get", f"{MODEL}/aliases/{{alias}}/history"): {"changes": [CHANGE], "next_cursor": None},
    ("post", f"{MODEL}/promote"): ALIAS,
    ("post", f"{MODEL}/rollback"): {**ALIAS, "version": 1, "revision": 4},
    ("get", f"{MODEL}/promotion"): PROMOTION,
    ("put", f"{MODEL}/promotion"): PROMOTION,
    ("get", f"{MODEL}/versions/{{version}}/gates"): GATES,
    ("get", f"{MODEL}/traffic"): TRAFFIC,
    ("put", f"{MODEL}/traffic"): TRAFFIC,
    ("post", "/v1/keys"): NEW_KEY,
    ("get", "/v1/keys"): {"keys": [KEY]},
    ("get", "/v1/caller"): {"tenant": "shop", "name": "key:3f9a0c5d1b7e2468", "scopes": ["read", "score"], "access": "keys"},
    ("post", "/v1/keys/{key_id}/rotate"): NEW_KEY,
    ("get", "/v1/usage"): {
        "datasets": {"used": 118_530, "limit": 214_748_364_800},
        "searches": {"used": 2_104_512, "limit": 214_748_364_800},
        "answers": {"used": 9_200, "limit": None},
    },
    ("delete", "/v1/keys/{key_id}"): {**KEY, "revoked_at": AT},
    ("post", "/v1/events"): {"accepted": 3, "rejected": []},
    ("get", f"{MODEL}/events/export"): EXPORTED,
    ("post", f"{MODEL}/events/dataset"): MADE_DATASET,
    ("get", f"{MODEL}/online"): ONLINE,
    ("get", f"{MODEL}/online/off-policy"): OFF_POLICY,
    ("post", f"{MODEL}/what-if"): WHAT_IF_ANSWER,
    ("post", "/v1/searches/estimate"): {**ESTIMATE, "state": "queued", "stage": None, "progress": 0.0, "estimate": None},
    ("get", "/v1/searches/estimates/{estimate_id}"): ESTIMATE,
    ("get", "/v1/searches/estimates/{estimate_id}/figure"): "<!doctype html>\n<title>shop</title>\n",
    ("get", "/v2"): {"name": "ihas", "version": "0.2.0", "extensions": []},
    ("get", "/v2/health/live"): {"live": True},
    ("get", "/v2/health/ready"): {"ready": True},
    ("get", V2): METADATA,
    ("get", OF_VERSION): METADATA,
    ("get", f"{V2}/ready"): {"name": "coupon", "ready": True},
    ("get", f"{OF_VERSION}/ready"): {"name": "coupon", "ready": True},
    ("post", f"{V2}/infer"): INFERRED,
    ("post", f"{OF_VERSION}/infer"): INFERRED,
    ("get", "/v1/searches/compare"): COMPARISON,
    ("get", "/v1/searches/{search_id}/logs"): "Epoch 3: validation AUC .741.\n",
    ("get", "/v1/searches/{search_id}/plots"): {
        "figures": ["auc", "calibration", "counts", "gains", "gates", "groups", "history", "kept", "pareto"]
    },
    ("get", "/v1/searches/{search_id}/plots/{figure}"): {"data": [{"type": "bar", "x": [0.7858], "y": ["static"]}], "layout": {}},
    ("get", "/startupz"): {"status": "ready", "models": {}, "degraded": {}},
}
