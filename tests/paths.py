"""Where the repository's files lie, for tests at any depth."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "pipelines" / "recipes"
COUPON = ROOT / "data" / "coupon"
