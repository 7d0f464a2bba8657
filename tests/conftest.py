"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine makes a right answer late, not wrong.
settings.register_profile("ihas", deadline=None)
settings.load_profile("ihas")
