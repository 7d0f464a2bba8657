"""What a search would take, before it is begun."""

from __future__ import annotations

from ihas.config.base import Config
from ihas.results.run_result import Interval


class Estimate(Config):
    """What a search would take, told from small ones."""

    rows: int
    """Training rows of the table."""
    pilot_rows: tuple[int, ...]
    """Training rows of the small searches."""
    pilot_seconds: tuple[float, ...]
    """Seconds that each took."""
    seconds_low: float
    """Seconds of the whole search, by the curve through the small ones."""
    seconds_high: float
    """Seconds of the whole search, if time grows as rows do."""
    memory_bytes: int
    """Memory that the process would hold at most."""
    parameters: int
    """Parameters of the plain model on the whole table."""
    chosen_in_pilot: str
    """Variant that the larger small search would serve."""
    gain: Interval | None
    """Its test AUC minus the plain model's in the small search; absent where that is the plain model."""
    advice: str
    """Whether a search may be worth it, in a sentence for a person."""
