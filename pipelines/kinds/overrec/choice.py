"""Settings chosen on validation rows, and metrics on test rows that no choice has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from ihas.config.overrec import OverRecConfig, OverRecLearning
from ihas.results.run_result import Interval
from ihas.sequential.data.baselines import Popularity, SessionNeighbours
from ihas.sequential.data.ranking import discounted_gains, paired_difference, ranking_metrics, ranks
from ihas.sequential.data.sequences import LeaveOneOut, NextItem, Sequences
from ihas.sequential.overrec.model import OverRec
from ihas_pipelines.kinds.overrec.measures import neighbour_ranks
from ihas_pipelines.kinds.overrec.values import RankedMethod, Trial

CUTOFF = 10
Say = Callable[[str], None]
Scores = Callable[[Sequences], np.ndarray]


@dataclass(frozen=True)
class Rows:
    """What is learnt from and judged on.

    Attributes:
        parts: leave-one-out parts.
        num_items: items.
        threads: threads of the search for neighbours.
    """

    parts: LeaveOneOut
    num_items: int
    threads: int


def gain(found: np.ndarray) -> float:
    """NDCG@10, by which settings are chosen."""
    return float(discounted_gains(found, CUTOFF).mean())


def evaluate_settings(rows: Rows, learning: OverRecLearning, say: Say) -> Iterator[tuple[OverRecConfig, Trial]]:
    """Every setting with its metrics on the validation rows."""
    base = learning.recommender
    numbers = (base.num_neighbours,) if base.score == "krr" else learning.num_neighbours
    for sigma_w, normalize in product(learning.sigma_w, learning.normalize):
        kernel = base.kernel.model_copy(update={"sigma_w": sigma_w, "normalize": normalize})
        say(f"Trying sigma_w = {sigma_w}, {'normalised' if normalize else 'not normalised'}")
        largest = base.model_copy(update={"kernel": kernel, "num_neighbours": max(numbers)})
        for config, found in ranked(rows, largest, numbers, rows.parts.valid):
            shown = {"sigma_w": sigma_w, "normalize": normalize, "num_neighbours": config.num_neighbours}
            yield config, Trial.model_validate({**shown, "valid": ranking_metrics(found)})


def overrec_method(rows: Rows, config: OverRecConfig, valid: Trial) -> tuple[RankedMethod, np.ndarray]:
    """The chosen settings on the test rows, and its ranks there."""
    ((_, found),) = ranked(rows, config, (config.num_neighbours,), rows.parts.test)
    kernel = config.kernel
    what = f"{kernel.mode} {kernel.function.upper()}, {kernel.activation}, sigma_w = {kernel.sigma_w}"
    how = f"score {config.score}" + ("" if config.score == "krr" else f", {config.num_neighbours} neighbours")
    described = f"{what}{', normalised' if kernel.normalize else ''}; {how}."
    return RankedMethod(name="overrec", description=described, valid=valid.valid, test=ranking_metrics(found), gain=None), found


def baselines(rows: Rows, learning: OverRecLearning, say: Say) -> Iterator[tuple[RankedMethod, np.ndarray]]:
    """Popularity, and SKNN with its number of neighbours chosen on validation rows, each with its ranks on the test rows."""
    hide = learning.recommender.hide_history
    counts = rows.parts.train.counts(rows.num_items)
    yield _ranked_method("popularity", "Times that an item was taken.", Popularity(counts).scores, rows, hide)
    say("Trying SKNN")
    neighbours = {k: SessionNeighbours.of(rows.parts.train, rows.num_items, k) for k in learning.session_neighbours}
    k = max(neighbours, key=lambda k: gain(ranks(neighbours[k].scores, rows.parts.valid, hide_history=hide)))
    yield _ranked_method("sknn", f"The {k} nearest users by their items vote for theirs.", neighbours[k].scores, rows, hide)


def form_of(config: OverRecConfig) -> Literal["sum", "assign"]:
    """How neighbours' values become an item's score."""
    return "sum" if config.score == "sum" else "assign"


def compared(found: np.ndarray, base: np.ndarray, method: RankedMethod) -> RankedMethod:
    """The method with its gain over the base on the same test rows."""
    return method.model_copy(update={"gain": ndcg_difference(found, base)})


def ndcg_difference(found: np.ndarray, base: np.ndarray) -> Interval:
    """NDCG@10 of ranks minus that of other ranks of the same test rows, with its interval."""
    return paired_difference(discounted_gains(found, CUTOFF), discounted_gains(base, CUTOFF))


def ranked(rows: Rows, config: OverRecConfig, numbers: tuple[int, ...], asked: NextItem) -> Iterator[tuple[OverRecConfig, np.ndarray]]:
    """Ranks for each number of neighbours, from one search."""
    model = OverRec.of(rows.parts.train, rows.num_items, config)
    found = model.neighbours(asked.histories, rows.threads)
    if found is None:
        yield config, ranks(model.scores, asked, hide_history=config.hide_history)
        return
    for k in numbers:
        fewer = config.model_copy(update={"num_neighbours": k})
        yield fewer, neighbour_ranks(found.first(k), asked, rows.num_items, form_of(config), hide_history=config.hide_history)


def _ranked_method(name: str, description: str, scores: Scores, rows: Rows, hide: bool) -> tuple[RankedMethod, np.ndarray]:
    valid, test = (ranks(scores, asked, hide_history=hide) for asked in (rows.parts.valid, rows.parts.test))
    return RankedMethod(name=name, description=description, valid=ranking_metrics(valid), test=ranking_metrics(test), gain=None), test
