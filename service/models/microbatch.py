"""Single rows that are asked for at the same time are scored together.

The first request that comes steps back once, so that every other one that the event loop has ready puts its rows beside, and then
scores them all: one call of the model for 16 rows costs little more than for one. Nobody waits for a clock. To step back costs a turn
of the event loop, as much as a small model; while requests come one by one they are scored at once, and only every `PROBE`th looks
whether there are others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ihas.serving.answers import Scored
from ihas.serving.capabilities import BatchScoring, ReadRows

MAX_ROWS = 16
"""Rows of a request that is scored between others, in the event loop; a larger one has a thread to itself."""
PATIENCE = 8
"""Times that nobody else comes before requests are scored at once again."""
PROBE = 16
"""Requests from one look at whether there are others to the next."""
Waiting = tuple[ReadRows, asyncio.Future[Sequence[Scored]]]


class MicroBatches:
    """The queues of one event loop, one for each recommender that is asked now."""

    def __init__(self) -> None:
        self._queues: dict[BatchScoring, list[Waiting]] = {}
        self._patience, self._alone = 0, 0

    async def score(self, recommender: BatchScoring, rows: ReadRows) -> Sequence[Scored]:
        """Scores of rows, together with whatever else is asked of the recommender now."""
        queue = self._queues.get(recommender)
        if queue is not None:
            future: asyncio.Future[Sequence[Scored]] = asyncio.get_running_loop().create_future()
            queue.append((rows, future))
            return await future
        self._alone += 1
        if self._patience or self._alone % PROBE == 0:
            return await self._gather(recommender, rows)
        return recommender.score_read([rows])[0]

    async def _gather(self, recommender: BatchScoring, rows: ReadRows) -> Sequence[Scored]:
        self._queues[recommender] = []
        try:
            await asyncio.sleep(0)
        finally:  # also where this client left: the others still wait
            waiting = [(others, future) for others, future in self._queues.pop(recommender) if not future.done()]
            answers = _score(recommender, rows, waiting)
        self._patience = PATIENCE if waiting else max(0, self._patience - 1)
        return answers


def _score(recommender: BatchScoring, rows: ReadRows, waiting: Sequence[Waiting]) -> Sequence[Scored]:
    """Answer the others; the scores of `rows`."""
    try:
        own, *answers = recommender.score_read([rows, *(others for others, _ in waiting)])
    except Exception as error:  # whoever waits must hear of it
        for _, future in waiting:
            future.set_exception(error)
        raise
    for (_, future), scores in zip(waiting, answers, strict=True):
        future.set_result(scores)
    return own
