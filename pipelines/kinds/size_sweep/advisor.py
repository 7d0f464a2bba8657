"""Advice from a trained size sweep, written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ihas.folders import write_whole
from ihas.seeding import generator
from ihas.sequential.scaling.advice import advise
from ihas.sequential.scaling.advised import Advice, Measured
from ihas_pipelines.kinds.size_sweep.page import plot

CANDIDATES = tuple((layers, dim) for layers in (1, 2, 4, 8, 12) for dim in (16, 32, 64, 128, 256))
"""Shapes to consider beside the measured ones, where the budget allows them."""


def write_advice(sizes: Sequence[Measured], seconds: float, folder: Path) -> Advice:
    """Advise a size whose training takes at most so many seconds; writes `advice.json` and `advice.html`.

    Raises:
        ConfigError: as `advise` says.
    """
    found, drawn = advise(sizes, CANDIDATES, seconds, generator(0, "advice")), plot(sizes)
    choice = found.choice
    if choice.loss is not None and not choice.measured:
        ends = {"array": [choice.loss.high - choice.loss.difference], "arrayminus": [choice.loss.difference - choice.loss.low]}
        drawn.add_scatter(
            x=[choice.parameters], y=[choice.loss.difference], error_y={"type": "data", "symmetric": False, **ends},
            mode="markers", marker={"symbol": "star", "size": 12}, name="advised",
        )  # fmt: skip
    write_whole(folder / "advice.json", found.model_dump_json(indent=1))
    drawn.write_html(folder / "advice.html", include_plotlyjs=True)
    return found
