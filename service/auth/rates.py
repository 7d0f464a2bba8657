"""Rate limits per caller, within this process."""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from ihas_service.errors import TooManyError


class Rates:
    """Counts within the running minute; a limit of 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def hit(self, who: str) -> None:
        """Count one for somebody.

        Raises:
            TooManyError: the minute's limit is used up.
        """
        if self._item is not None and not self._limiter.hit(self._item, who):
            raise self._too_many(who)

    def _too_many(self, who: str) -> TooManyError:
        if self._item is None:
            raise ValueError("Nothing is counted without a limit.")
        wait_s = max(1.0, self._limiter.get_window_stats(self._item, who).reset_time - time.time())
        return TooManyError(f"At most {self._item.amount} requests a minute are taken here. Try again in {wait_s:.0f} s.", wait_s)
