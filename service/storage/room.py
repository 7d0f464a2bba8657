"""How much a tenant keeps of one kind, as a value that knows no database."""

from __future__ import annotations

from dataclasses import dataclass

from ihas_service.errors import QuotaError


@dataclass(frozen=True, slots=True)
class Room:
    """What a tenant keeps of one kind, and may keep.

    Attributes:
        words: what is kept, the setting that limits it, and how to make room.
        used: bytes.
        limit: bytes; 0 for no limit.
    """

    words: tuple[str, str, str]
    used: int
    limit: int

    def check(self, more: int) -> None:
        """Check that so many bytes more may be kept.

        Raises:
            QuotaError: they may not.
        """
        if self.limit and self.used + more > self.limit:
            what, setting, way = self.words
            kept = f"The {what} of this tenant take {self.used} bytes"
            raise QuotaError(f"{kept} of the {self.limit} of {setting}, and at least {more} more are needed. {way}, then try again.")
