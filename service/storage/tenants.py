"""Whose things are."""

from __future__ import annotations

LOCAL = "local"
"""Tenant of whoever needs no key."""
