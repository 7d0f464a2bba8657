"""Keys as text: `ihas_<id>_<secret>`."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

from ihas_service.auth.scopes import Scope
from ihas_service.storage.keys import Key

PREFIX = "ihas_"
FORM = re.compile(r"ihas_(?P<id>[0-9a-f]{16})_(?P<secret>[0-9a-f]{48})")


def new_key(tenant: str, name: str, scopes: Iterable[Scope], expires_in_s: float | None = None) -> tuple[str, Key]:
    """A new key: its text, and what is stored of it."""
    key_id = secrets.token_hex(8)
    text = f"{PREFIX}{key_id}_{secrets.token_hex(24)}"
    return text, Key(key_id, tenant, name, digest(text), tuple(sorted(scopes)), 0.0, expires_in_s, None)


def digest(text: str) -> str:
    """SHA-256, hexadecimal; the secret's 192 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_id(text: str) -> str | None:
    """The id of a text that has a key's form."""
    found = FORM.fullmatch(text)
    return None if found is None else found["id"]
