"""Single rows that are asked for at the same time are scored together.

A request puts its rows into a queue and waits; the queue is scored as soon as the event loop has run everything that was ready, which
is when every request that had arrived has put in its own. Nobody waits for a clock. One call of the model for 16 rows costs little
more than one for a single row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeGuard

from ihas.serving.answers import Scored
from ihas.serving.recommender import BatchRecommender, ReadRows, Recommender

MOST_ROWS = 16
"""Rows of a request that is scored between others, in the event loop; a larger one has a thread to itself."""
Waiting = tuple[ReadRows, asyncio.Future[Sequence[Scored]]]


def takes_batches(recommender: Recommender) -> TypeGuard[BatchRecommender]:
    """Whether rows of several requests can be scored at once."""
    return hasattr(recommender, "score_read")  # isinstance would look at every method, for every request


class MicroBatches:
    """The queues of one event loop, one for each recommender."""

    def __init__(self) -> None:
        self._queues: dict[BatchRecommender, list[Waiting]] = {}

    async def score(self, recommender: BatchRecommender, rows: ReadRows) -> Sequence[Scored]:
        """Scores of rows, together with whatever else is asked of the recommender now."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(recommender)
        if queue is None:
            queue = self._queues[recommender] = []
            loop.call_soon(self._flush, recommender)
        future: asyncio.Future[Sequence[Scored]] = loop.create_future()
        queue.append((rows, future))
        return await future

    def _flush(self, recommender: BatchRecommender) -> None:
        waiting = [(rows, future) for rows, future in self._queues.pop(recommender) if not future.done()]  # done: the client left
        try:
            answers = recommender.score_read([rows for rows, _ in waiting])
        except Exception as error:  # whoever waits must hear of it
            for _, future in waiting:
                future.set_exception(error)
            return
        for (_, future), scores in zip(waiting, answers, strict=True):
            future.set_result(scores)
