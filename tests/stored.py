"""What older versions stored, and how it is asked and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from ihas.serving.answers import RecommendRequest
from ihas.serving.recommender import Recommender

FIXTURES = Path(__file__).with_name("fixtures")
WORDS = frozenset({"sentence", "verdict", "description"})
"""Texts for people: they must be there, and may be worded anew."""


def read(path: Path) -> Any:
    """A JSON document."""
    return orjson.loads(path.read_bytes())


def lines(path: Path) -> list[str]:
    """Lines of a text."""
    return path.read_text(encoding="utf-8").splitlines()


def ask(recommender: Recommender, question: Mapping[str, Any]) -> Any:
    """The answer to a stored question, `score` or `recommend` with its request, as JSON values."""
    request = question["request"]
    if question["ask"] == "score":
        return msgspec.to_builtins(recommender.score(request["rows"], request["explain"]))
    return msgspec.to_builtins(recommender.recommend(msgspec.convert(request, RecommendRequest)))


def assert_alike(found: Any, stored: Any, tolerance: float = 1e-5, place: str = "") -> None:
    """Every stored value is found again, numbers with a point within the tolerance; what is new beside them is let be."""
    if isinstance(stored, dict):
        missing = stored.keys() - found.keys()
        assert not missing, f"{place} lacks {sorted(missing)}"
        for name, value in stored.items():
            if name in WORDS:
                assert bool(found[name]) is bool(value), f"{place}/{name}"
            else:
                assert_alike(found[name], value, tolerance, f"{place}/{name}")
    elif isinstance(stored, list):
        assert len(found) == len(stored), place
        for number, (one, other) in enumerate(zip(found, stored, strict=True)):
            assert_alike(one, other, tolerance, f"{place}/{number}")
    elif isinstance(stored, float):
        assert found == pytest.approx(stored, abs=tolerance), place
    else:
        assert found == stored, place
