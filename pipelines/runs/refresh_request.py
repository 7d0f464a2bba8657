"""What a refresh is asked for, as the document that its child process reads."""

from __future__ import annotations

from pathlib import Path

from ihas.config.base import Config
from ihas.config.data import DataConfig
from ihas.config.refresh import RefreshConfig


class RefreshRequest(Config):
    """A run to carry on, and the newer table."""

    source: Path
    """Run folder to carry on."""
    data: DataConfig
    """The newer table; what it says about columns does not count."""
    settings: RefreshConfig = RefreshConfig()
    """How the model learns on."""
    point: str | None = None
    """Variant to carry on, a point of the run's frontier; without it, the chosen one."""
