"""Two finished searches side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ihas.config.base import Config
from ihas.results.run_result import RunResult, VariantResult


class Difference(Config):
    """A setting that differs."""

    setting: str
    """Its name, group by group: `training.epochs`."""
    first: Any
    """Its value in the first search."""
    second: Any
    """Its value in the second search."""


class MetricPair(Config):
    """One figure of what each search serves."""

    figure: str
    """Its name."""
    first: float | None
    """In the first search."""
    second: float | None
    """In the second search."""
    difference: float | None
    """Second minus first; absent where one of them is."""


class Comparison(Config):
    """Two finished searches side by side."""

    searches: tuple[str, str]
    """Their ids."""
    chosen: tuple[str, str]
    """Variants that they serve."""
    same_data: bool
    """Whether both worked on the same data set; figures of different test rows say nothing about each other."""
    settings: tuple[Difference, ...]
    """Settings that differ."""
    figures: tuple[MetricPair, ...]
    """Figures on test rows, and costs, of what each serves. Without the rows themselves there is no interval: look at each search's own."""


def compare(searches: tuple[str, str], results: tuple[RunResult, RunResult], same_data: bool) -> Comparison:
    """Settings that differ and figures in pairs."""
    chosen = [next(variant for variant in result.variants if variant.name == result.chosen) for result in results]
    first, second = (flat(result.learning.model_dump(mode="json")) for result in results)
    differing = [Difference(setting=name, first=first.get(name), second=second.get(name)) for name in sorted(first.keys() | second.keys())]
    return Comparison(
        searches=searches,
        chosen=(results[0].chosen, results[1].chosen),
        same_data=same_data,
        settings=tuple(one for one in differing if one.first != one.second),
        figures=tuple(_pairs(chosen[0], chosen[1])),
    )


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _pairs(first: VariantResult, second: VariantResult) -> Iterator[MetricPair]:
    for group in ("test", "cost"):
        for name, one in getattr(first, group).model_dump().items():
            other = getattr(getattr(second, group), name)
            difference = None if one is None or other is None else other - one
            yield MetricPair(figure=f"{group}.{name}", first=one, second=other, difference=difference)
