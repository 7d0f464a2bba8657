"""Examples of batches, shown on the API's description; a test checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AT = "2026-11-02T09:30:00.000Z"
BATCH = {
    "id": "bt_30c1", "model": "coupon", "version": 3, "dataset_id": "ds_5f2a", "dataset_version": 2, "items": None, "state": "running",
    "progress": 0.4, "eta_s": 31.0, "message": "400,000 rows are answered.", "error": None, "bytes": None, "created_at": AT,
    "finished_at": None,
}  # fmt: skip
WAITING = {**BATCH, "state": "queued", "progress": 0.0, "eta_s": None, "message": "Waits for a worker."}
BODIES: Mapping[tuple[str, str], Any] = {("post", "/v1/models/{name}/batch"): {"dataset_id": "ds_5f2a", "items": None}}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("post", "/v1/models/{name}/batch"): WAITING,
    ("get", "/v1/batches"): {"batches": [BATCH], "next_cursor": None},
    ("get", "/v1/batches/{batch_id}"): BATCH,
    ("get", "/v1/batches/{batch_id}/rows"): "PAR1...PAR1",
    ("post", "/v1/batches/{batch_id}/cancel"): {**BATCH, "state": "cancelled", "message": "Cancelled.", "finished_at": AT},
    ("delete", "/v1/batches/{batch_id}"): {"deleted": "bt_30c1", "bytes": 48_301_027},
}
