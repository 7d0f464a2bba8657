"""Answers about quotas."""

from __future__ import annotations

from typing import Self

from ihas.config.base import Config


class QuotaPublic(Config):
    """Bytes of one kind."""

    used: int
    """Bytes that the tenant keeps."""
    limit: int | None
    """Bytes that it may keep; absent without a limit."""

    @classmethod
    def of(cls, used: int, limit: int) -> Self:
        """The wire form of bytes and their limit, 0 for none."""
        return cls(used=used, limit=limit or None)


class UsagePublic(Config):
    """What a tenant keeps, against its quotas."""

    datasets: QuotaPublic
    """Uploaded and fetched files."""
    searches: QuotaPublic
    """Run folders, estimates and bundles."""
    answers: QuotaPublic
    """Recommendations and events, by estimate; above the limit the oldest go."""
