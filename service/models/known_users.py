"""Fields of known users in memory, brought up to what the database says once a second."""

from __future__ import annotations

from ihas_service.models.put_in_memory import PutInMemory


class KnownUsers(PutInMemory):
    """All of them, by tenant and model."""
