"""Rows that are asked for together are scored together, and everybody gets their own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from ihas.serving.answers import RecommendRequest, Scored
from ihas.serving.capabilities import ReadRows
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_service.models.microbatch import PATIENCE, PROBE, MicroBatches
from tests.ihas.bundle_factory import LOGITS, rows, small_bundle


class Counting:
    """The small bundle at work, with a list of how many requests each call of the model answered."""

    def __init__(self) -> None:
        self._inner = GroupedRecommender(small_bundle())
        self.calls: list[int] = []
        self.broken = False

    def read(self, rows: Sequence[Mapping[str, Any]]) -> ReadRows:
        """As the bundle."""
        return self._inner.read(rows)

    def score_read(self, requests: Sequence[ReadRows]) -> list[list[Scored]]:
        """As the bundle, counted."""
        self.calls.append(len(requests))
        if self.broken:
            raise ArithmeticError("broken")
        return self._inner.score_read(requests)

    def is_quick(self, request: RecommendRequest) -> bool:
        """As the bundle."""
        return self._inner.is_quick(request)


@pytest.fixture
def recommender() -> Counting:
    """The small bundle, counted."""
    return Counting()


def _asked(batches: MicroBatches, recommender: Counting, row: int) -> Coroutine[Any, Any, Sequence[Scored]]:
    return batches.score(recommender, recommender.read([rows()[row]]))


async def _come_together(batches: MicroBatches, recommender: Counting) -> None:
    """Let six requests come together again and again, until they are scored together: after as many as lie between two looks."""
    for _ in range(PROBE):
        await asyncio.gather(*(_asked(batches, recommender, row) for row in range(6)))
        if recommender.calls[-1] == 6:
            return
    pytest.fail(f"Of {6 * PROBE} requests that came in sixes, no six were scored together: {recommender.calls}.")


EXPECTED = [logit for movies in LOGITS.values() for logit in movies.values()]


def test_requests_that_come_together_are_scored_together(recommender: Counting) -> None:
    """Once a probe has found others, six requests are one call, and each gets the logit worked out by hand."""

    async def ask() -> list[list[float]]:
        batches = MicroBatches()
        return [
            [scores[0].logit for scores in await asyncio.gather(*(_asked(batches, recommender, row) for row in range(6)))] for _ in range(4)
        ]

    assert asyncio.run(ask()) == [EXPECTED] * 4
    assert recommender.calls[-1] == 6
    assert sum(recommender.calls) == 24


def test_requests_that_come_one_by_one_are_scored_one_by_one(recommender: Counting) -> None:
    """Nobody waits for others that do not come."""

    async def ask() -> list[float]:
        batches = MicroBatches()
        return [(await _asked(batches, recommender, number % 6))[0].logit for number in range(3 * PROBE)]

    assert asyncio.run(ask()) == EXPECTED * (3 * PROBE // 6)
    assert recommender.calls == [1] * (3 * PROBE)


def test_patience_ends(recommender: Counting) -> None:
    """After requests that came together, `PATIENCE` that come alone let others go first, and the next one does not."""

    async def goes_first(batches: MicroBatches) -> bool:
        """Whether another task, ready at the same time, ran before the score was there."""
        ran: list[str] = []

        async def other() -> None:
            ran.append("other")

        async def own() -> None:
            await _asked(batches, recommender, 0)
            ran.append("own")

        await asyncio.gather(own(), other())
        return ran[0] == "other"

    async def ask() -> list[bool]:
        batches = MicroBatches()
        await _come_together(batches, recommender)
        return [await goes_first(batches) for _ in range(PATIENCE + 1)]

    assert asyncio.run(ask()) == [True] * PATIENCE + [False]


def test_everybody_who_waits_hears_of_an_error(recommender: Counting) -> None:
    """A model that breaks fails every request of the batch, and the next batch is a new one."""

    async def ask() -> list[Sequence[Scored] | BaseException]:
        batches = MicroBatches()
        await _come_together(batches, recommender)
        recommender.broken = True
        failed = await asyncio.gather(*(_asked(batches, recommender, row) for row in range(3)), return_exceptions=True)
        recommender.broken = False
        assert (await _asked(batches, recommender, 0))[0].logit == EXPECTED[0]
        return failed

    assert [type(error) for error in asyncio.run(ask())] == [ArithmeticError] * 3


def test_a_client_that_leaves_takes_nobody_along(recommender: Counting) -> None:
    """Whether the one that leaves came first or later, the others are answered."""

    async def ask(leaving: int) -> list[Sequence[Scored] | BaseException]:
        batches = MicroBatches()
        await _come_together(batches, recommender)
        tasks = [asyncio.create_task(_asked(batches, recommender, row)) for row in range(3)]
        await asyncio.sleep(0)
        tasks[leaving].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    for leaving in range(3):
        recommender.calls.clear()
        answers = asyncio.run(ask(leaving))
        assert isinstance(answers[leaving], asyncio.CancelledError)
        assert [answer[0].logit for answer in answers if not isinstance(answer, BaseException)] == [
            EXPECTED[row] for row in range(3) if row != leaving
        ]


def test_batches_have_the_scores_of_single_requests() -> None:
    """Requests of none, one and two rows, scored at once, come apart again."""
    recommender = GroupedRecommender(small_bundle())
    requests = [recommender.read(part) for part in (rows()[:1], [], rows()[3:5])]

    assert [[scored.logit for scored in scores] for scores in recommender.score_read(requests)] == [EXPECTED[:1], [], EXPECTED[3:5]]
    assert np.shape(recommender.read([]).ids) == (0,)
