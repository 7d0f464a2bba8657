"""Examples of items whose fields are put, shown on the API's description; a test checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PATH = "/v1/models/{name}/items"
PUT: Mapping[str, Any] = {"item": "Bar", "fields": {"Expiration": "2h"}}
COUNTED = {"items": 1, "bytes": 171}
ITEM: Mapping[str, Any] = {**PUT, "values": {"Expiration": "2h"}, "new": False, "unknown_values": [], "left_out": []}
UNKNOWN = {"item": "Bar", "field": "Expiration", "value": "2h"}
BODIES: Mapping[tuple[str, str], Any] = {
    ("put", PATH): {"items": [PUT]},
    ("put", f"{PATH}/{{item}}"): {"fields": PUT["fields"]},
}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("get", PATH): COUNTED,
    ("put", PATH): {**COUNTED, "new": ["Bar"], "unknown_values": [UNKNOWN]},
    ("delete", PATH): {"deleted": "coupon", "items": 12},
    ("get", f"{PATH}/{{item}}"): ITEM,
    ("put", f"{PATH}/{{item}}"): ITEM,
    ("delete", f"{PATH}/{{item}}"): {"deleted": "coupon/Bar", "items": 1},
}
