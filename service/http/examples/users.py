"""Examples of known users, shown on the API's description; a test checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PATH = "/v1/models/{name}/users"
USER: Mapping[str, Any] = {"user": "u3", "fields": {"Destination": "Home", "Age": "21"}}
COUNTED = {"users": 1, "bytes": 191}
BODIES: Mapping[tuple[str, str], Any] = {
    ("put", PATH): {"users": [USER]},
    ("put", f"{PATH}/{{user}}"): {"fields": USER["fields"]},
}
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("get", PATH): COUNTED,
    ("put", PATH): COUNTED,
    ("get", f"{PATH}/{{user}}"): USER,
    ("put", f"{PATH}/{{user}}"): USER,
    ("delete", f"{PATH}/{{user}}"): {"deleted": "coupon/u3", "fields": True, "clicks": 4},
}
