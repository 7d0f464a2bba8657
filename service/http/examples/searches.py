"""Examples of every request and answer in the API's description, on the coupon model that `ihas demo` registers.

Documents of one run, shortened: two of its fields, two of its dimensions, one of its variants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ihas_service.http.examples import batches, datasets, items, releases, schedules, users

AT = "2026-11-21T09:30:00.000Z"
CONTEXT: Mapping[str, str] = {"Destination": "No Urgent Place", "Passanger": "Friend(s)", "Weather": "Sunny", "Time": "6PM", "Age": "21"}
SCORE: Mapping[str, Any] = {"rows": [{**CONTEXT, "Coupon": "Coffee House"}], "explain": False}
RECOMMEND: Mapping[str, Any] = {
    "context": CONTEXT, "candidates": ["Coffee House", "Bar", "Museum"], "k": 2, "explain": False,
    "filter": 'Coupon != "Takeaway"', "diversity": {"field": "Coupon", "at_most": 1}, "exclude_seen": False, "fields": ["Coupon"],
}  # fmt: skip
DATASET_CREATE: Mapping[str, Any] = {
    "name": "coupons",
    "delimiter": ";",
    "columns": {"label": "Y", "item": ["Coupon"], "item_id": "Coupon"},
}
SEARCH_CREATE: Mapping[str, Any] = {"name": "coupon", "dataset_id": "ds_5f2a", "learning": {"seed": 1, "cluster": {"num_groups": [2, 3]}}}
FILE = "Destination;Passanger;Coupon;Y\nNo Urgent Place;Alone;Restaurant(<20);1\nHome;Alone;Bar;0\n"

DATASET = {
    "id": "ds_5f2a", "name": "coupons", "state": "valid", "labelled": True, "version": 1, "size": 118_530, "sha256": "9f86d081",
    "limits": {"drift": None, "new_values": None, "missing": None, "click_rate": 0.5}, "error": None, "created_at": AT,
}  # fmt: skip
PROFILE = {
    "column": "Coupon", "purpose": "field", "kind": "categorical", "role": "item", "distinct": 5, "missing": 0.0,
    "commonest": [["Coffee House", 3996], ["Restaurant(<20)", 2786]], "quantiles": [],
}  # fmt: skip
REPORT = {
    "rows": 12_684, "omitted": {}, "profiles": [PROFILE],
    "findings": [{"code": "label_not_binary", "severity": "error", "message": "The label must be 0 or 1.", "row": 7, "column": "Y"}],
    "columns": {
        "label": "Y", "item_id": "Coupon", "time": None, "ignored": [],
        "fields": [
            {"name": "Destination", "kind": "categorical", "role": "context", "separator": None},
            {"name": "Coupon", "kind": "categorical", "role": "item", "separator": None},
        ],
    },
}  # fmt: skip
SEARCH = {
    "id": "sr_91c0", "name": "coupon", "dataset_id": "ds_5f2a", "dataset_version": 1, "window": None,
    "priority": 0, "state": "running", "stage": "base", "attempt": 1,
    "progress": 0.4, "eta_s": 21.5,
    "heartbeat_age_s": 1.2, "message": "Epoch 3: validation AUC .741.", "error": None, "model_version": None,
    "created_at": AT, "started_at": AT, "finished_at": None, "note": "", "tags": [],
}  # fmt: skip
NOTE = {"note": "Baseline for May.", "tags": ["baseline"]}
WAITING = {**SEARCH, "state": "queued", "stage": None, "attempt": 0, "progress": 0.0, "message": "Waits for a worker."}
EVENT = {
    "id": 4, "at": AT, "state": "running", "stage": "base", "attempt": 1, "progress": 0.4, "eta_s": 21.5,
    "message": "Epoch 3: validation AUC .741.",
    "metrics": {"auc": 0.741}, "error": None,
}  # fmt: skip
FIGURES = {"rows": 1268, "auc": 0.7787, "log_loss": 0.5655, "calibration": 0.956}
COST = {"parameters_per_path": 4729.0, "parameters_total": 4729, "multiply_adds": 3336.0, "kept_dims": 200.0}
BASE = {"name": "base", "description": "The plain model.", "role": "candidate", "num_groups": 1, "gain": None, "cost": COST}
GROUP = {
    "group": 0, "share": 0.59, "click_rate": 0.456, "kept_dims": [2, 1],
    "mean_gates": [[0.98, 0.99], [0.9, 0.42]], "mask": [[True, True], [True, False]],
    "threshold": 0.9,
    "path": "shared", "test": FIGURES, "base_test": FIGURES, "gain": None, "typical": ["Coupon = Coffee House (1.7 times as often)"],
}  # fmt: skip
RESULT = {
    "name": "coupon", "rows": {"train": 10_142, "valid": 1268, "test": 1268}, "fields": ["Destination", "Coupon"],
    "roles": ["context", "item"], "dim": 2, "chosen": "base", "verdict": "No search is worth it here.",
    "variants": [{**BASE, "valid": FIGURES, "test": FIGURES}], "groups": [GROUP],
    "diversity": {"rows": 1268, "distinct_masks": 1264, "kept_fraction": 0.939, "mean_variance": 0.052, "mutual_information": 0.069},
    "group_counts": [{"num_groups": 2, "on": "masked", "log_loss": 0.5602, "smallest_share": 0.409}], "grouped_on": "masked",
    "history": [{"model": "base", "epoch": 1, "loss": 0.6693, "auc": 0.6986}], "points": [{"x": -0.047, "y": -0.582, "group": 0}],
    "seconds": {"data": 0.41, "base": 4.78}, "learning": {"seed": 1},
}  # fmt: skip
VERSION = {"name": "coupon", "version": 1, "search_id": "sr_91c0", "created_at": AT}
MODEL = {"name": "coupon", "latest": 1, "serving": 1, "problem": None, "summary": {"chosen": "grouped", "dim": 8}, "versions": [VERSION]}
SCORED = {
    "model": "coupon", "version": 1,
    "scores": [{"score": 0.757, "logit": 1.1364, "group": 0, "unknown_values": [], "explanation": None}],
    "degraded_groups": [],
}  # fmt: skip
RECOMMENDED: Mapping[str, Any] = {
    "recommendation_id": "rc_7d1e", "model": "coupon", "version": 1, "num_scored": 2, "unknown_candidates": ["Museum"],
    "unknown_values": [], "retrieved": None, "degraded_groups": [], "profile_fields": [], "seen_excluded": 0,
    "items": [
        {"id": "Bar", "score": 0.8426, "rank": 1, "group": 0, "explanation": None, "fields": {"Coupon": "Bar"}},
        {"id": "Coffee House", "score": 0.757, "rank": 2, "group": 0, "explanation": None, "fields": {"Coupon": "Coffee House"}},
    ],
}  # fmt: skip
PROBLEM = {
    "type": "urn:ihas:problem:invalid-request", "title": "Invalid request", "status": 422,
    "detail": "/learning/seed: `seed` must be at least 0, but got -1.",
    "instance": "/v1/searches", "request_id": "5b0c6c1e",
    "errors": [{"detail": "`seed` must be at least 0, but got -1.", "pointer": "/learning/seed"}],
}  # fmt: skip
BODIES: Mapping[tuple[str, str], Any] = {
    **batches.BODIES,
    **schedules.BODIES,
    **users.BODIES,
    **items.BODIES,
    **datasets.BODIES,
    **releases.BODIES,
    ("post", "/v1/datasets"): DATASET_CREATE,
    ("put", "/v1/datasets/{dataset_id}/content"): FILE,
    ("post", "/v1/searches"): SEARCH_CREATE,
    ("put", "/v1/searches/{search_id}/note"): NOTE,
    ("post", "/v1/models/{name}/score"): SCORE,
    ("post", "/v1/models/{name}/recommend"): RECOMMEND,
}
ANSWERS: Mapping[tuple[str, str], Any] = {
    **batches.ANSWERS,
    **schedules.ANSWERS,
    **users.ANSWERS,
    **items.ANSWERS,
    **datasets.ANSWERS,
    ("get", "/v1/datasets/{dataset_id}/versions/{version}/report"): {**REPORT, "findings": [], "changes": datasets.CHANGES},
    **releases.ANSWERS,
    ("post", "/v1/datasets"): {**DATASET, "state": "uploading", "size": None, "sha256": None},
    ("get", "/v1/datasets"): {"datasets": [DATASET], "next_cursor": None},
    ("get", "/v1/datasets/{dataset_id}"): DATASET,
    ("put", "/v1/datasets/{dataset_id}/content"): {**DATASET, "state": "validating"},
    ("get", "/v1/datasets/{dataset_id}/report"): REPORT,
    ("get", "/v1/datasets/{dataset_id}/profile"): [PROFILE],
    ("delete", "/v1/datasets/{dataset_id}"): {"deleted": "ds_5f2a", "bytes": 2_104_512},
    ("delete", "/v1/searches/{search_id}"): {"deleted": "sr_91c0", "bytes": 48_301_027},
    ("delete", "/v1/models/{name}"): {"deleted": "coupon", "bytes": 904_112},
    ("delete", "/v1/models/{name}/versions/{version}"): {"deleted": "coupon/1", "bytes": 452_056},
    ("post", "/v1/searches/{search_id}/clone"): {**WAITING, "id": "sr_7aa2"},
    ("post", "/v1/models/{name}/refresh"): {**WAITING, "id": "rf_2c4d", "kind": "refresh"},
    ("post", "/v1/searches"): WAITING,
    ("get", "/v1/searches"): {"searches": [SEARCH], "next_cursor": None},
    ("get", "/v1/searches/{search_id}"): SEARCH,
    ("get", "/v1/searches/{search_id}/events"): {"id": "4", "data": json.dumps(EVENT)},
    ("post", "/v1/searches/{search_id}/cancel"): {**SEARCH, "state": "cancelled", "message": "Cancelled.", "finished_at": AT},
    ("post", "/v1/searches/{search_id}/resume"): {**SEARCH, "state": "queued", "stage": None, "message": "Resumed; waits for a worker."},
    ("put", "/v1/searches/{search_id}/note"): {**SEARCH, **NOTE},
    ("get", "/v1/searches/{search_id}/result"): RESULT,
    ("get", "/v1/searches/{search_id}/report"): "<!doctype html>\n<title>coupon</title>\n",
    ("get", "/v1/sign-in"): {
        "access": "keys",
        "provider": {
            "issuer": "https://id.example/shop",
            "authorize_url": "https://id.example/shop/authorize",
            "client_id": "ihas-dashboard",
            "token_url": "https://id.example/shop/token",
            "scope": "openid ihas:read ihas:score",
        },
    },
    ("get", "/v1/models"): {"models": [VERSION]},
    ("get", "/v1/models/{name}"): MODEL,
    ("post", "/v1/models/{name}/score"): SCORED,
    ("post", "/v1/models/{name}/recommend"): RECOMMENDED,
    ("get", "/livez"): {"status": "alive", "models": {}, "degraded": {}},
    ("get", "/readyz"): {"status": "degraded", "models": {"coupon": 1}, "degraded": {"coupon": [1]}},
    ("get", "/metrics"): 'ihas_jobs{state="queued"} 0.0\n',
}
