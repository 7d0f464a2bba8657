"""Response log and shadow runner: after a response is sent, it is stored for events, and shadow versions answer the request too.

Requests only append to queues; threads empty them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import structlog

from ihas.serving.answers import RecommendedItem, RecommendRequest, Scored
from ihas_service.models.drift import RoutingMetrics
from ihas_service.models.experiments.drawing import Drawn
from ihas_service.models.traffic_split import Served
from ihas_service.storage.contexts import kept_context, read_context, user_of
from ihas_service.storage.feedback import KEPT_ITEMS, Answer, Feedback, KeptItem

MAX_WAITING = 10_000
MAX_SHADOWED = 100
MAX_LOOKED_AT, ROWS_LOOKED_AT = 50, 20
"""Requests, each a fifth of a second, and rows of each of which the routing is looked at; under load that is a sample."""
FLUSH_S = 0.2
PAUSE_S = 0.02
FORGET_EVERY_S = 3_600.0
LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for shadow versions, and the served scores."""

    shadows: tuple[Served, ...]
    rows: Sequence[dict[str, Any]] | RecommendRequest
    scores: tuple[float, ...]
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Challenger:
    """A version whose recommendations were interleaved with the champion's.

    Attributes:
        version: its number.
        items: that it picked.
    """

    version: int
    items: frozenset[str]

    def document(self, kept: Mapping[str, object]) -> Mapping[str, Any]:
        """As it is stored, of the items that are kept."""
        return {"version": self.version, "items": [item for item in kept if item in self.items]}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What answered a request.

    Attributes:
        served: the version; of an interleaved list the champion.
        shadows: answer the request too, unheard.
        trial: comparison in which the answer counts; 0 for none, as where a caller named the version.
        challenger: what the list was interleaved with.
        canary: whether a canary answered.
        drawn: how its order came about; None where nothing is left to chance.
    """

    served: Served
    shadows: tuple[Served, ...] = ()
    trial: int = 0
    challenger: Challenger | None = None
    canary: bool = False
    drawn: Drawn | None = None


class Given(NamedTuple):
    """A recommendation that was sent.

    Attributes:
        chosen: what answered.
        given_id: its `recommendation_id`.
        items: the first `KEPT_ITEMS`.
        context: JSON; None where it is too large to be kept.
    """

    chosen: Chosen
    given_id: str
    items: tuple[RecommendedItem, ...]
    context: str | None

    @property
    def answer(self) -> Answer:
        """As it is kept; made by the thread that writes it."""
        rows = self.chosen.served.recommender.rows
        field = None if rows is None else rows.schema.user_id
        version, challenger, drawn = self.chosen.served.version, self.chosen.challenger, self.chosen.drawn
        items = {item.id: KeptItem(item.group, item.score) for item in self.items}
        if drawn is not None:
            chances = zip(items.items(), drawn.propensities, strict=True)
            items = {item: kept._replace(propensity=chance, explored=drawn.explored) for (item, kept), chance in chances}
        return Answer(
            self.given_id,
            version.tenant,
            version.name,
            version.version,
            items,
            self.chosen.canary,
            self.context,
            challenger=None if challenger is None else challenger.document(items),
            trial=self.chosen.trial,
            pool=None if drawn is None else drawn.pool,
            user_id=None if field is None or self.context is None else user_of(field, read_context(self.context)),
        )


class Seen(NamedTuple):
    """Rows, or a context and the items that were recommended."""

    served: Served
    stated: Sequence[dict[str, Any]]
    items: Sequence[str] | None


@dataclass(slots=True)
class ShadowMetrics:
    """Differences between a shadow's scores and the served ones.

    Attributes:
        requests: answered by both.
        failures: answered by the shadow with an error.
        rows: compared.
        difference: sum of |shadow's score - served score|.
        seconds: that the shadow took.
    """

    requests: int = 0
    failures: int = 0
    rows: int = 0
    difference: float = 0.0
    seconds: float = 0.0


class Heard(Protocol):
    """An answer with items."""

    @property
    def items(self) -> tuple[RecommendedItem, ...]:
        """Best first."""


@dataclass
class ResponseLog:
    """Two queues and the threads that empty them; a full queue drops and counts new entries.

    Attributes:
        feedback: tables of answers.
        kept_s: seconds that answers are kept.
        drop: counts an answer or a shadowed request that found its queue full.
        keep_contexts: whether answers are kept with their contexts.
        shadows: figures by tenant, model and version.
        routing: how rows were routed, by tenant, model and version.
    """

    feedback: Feedback
    kept_s: float
    drop: Callable[[], None]
    keep_contexts: bool = True
    shadows: dict[tuple[str, str, int], ShadowMetrics] = field(default_factory=dict)
    routing: dict[tuple[str, str, int], RoutingMetrics] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._answers: deque[Given] = deque()
        self._writing = threading.Lock()
        self._seen: deque[Seen] = deque()
        self._asked: queue.Queue[Asked] = queue.Queue(MAX_SHADOWED)
        self._stop, self._forgot = threading.Event(), time.monotonic()
        self._threads = [threading.Thread(target=work, name=name) for work, name in ((self._keep, "answers"), (self._shadow, "shadows"))]

    def start(self) -> None:
        """Begin to work the queues off."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Write down what waits, and end the threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def recommended(self, chosen: Chosen, asked: RecommendRequest, given_id: str, found: Heard) -> None:
        """Record a recommendation that was sent."""
        served, shadows, items = chosen.served, chosen.shadows, found.items[:KEPT_ITEMS]
        if len(self._answers) < MAX_WAITING:
            context = kept_context(asked.context) if self.keep_contexts else None
            self._answers.append(Given(chosen, given_id, items, context))
        else:
            self.drop()
        self._look(Seen(served, (asked.context,), tuple(item.id for item in items[:ROWS_LOOKED_AT])))
        if shadows:
            self._put(Asked(shadows, asked, tuple(item.score for item in found.items), tuple(item.id for item in found.items)))

    def scored(self, served: Served, shadows: tuple[Served, ...], rows: Sequence[dict[str, Any]], scores: Sequence[Scored]) -> None:
        """Record scores that were sent."""
        self._look(Seen(served, rows[:ROWS_LOOKED_AT], None))
        if shadows:
            self._put(Asked(shadows, rows, tuple(one.score for one in scores)))

    def flush(self) -> None:
        """Store the waiting responses and count the routing of rows; on return, this is done for entries of other threads too."""
        with self._writing:
            self._flush()
            while self._seen:
                self._count(self._seen.popleft())

    def drift_of(self, tenant: str, model: str, version: int) -> tuple[int, float] | None:
        """Rows of a version that this process has routed since its start, and the drift of their groups; None where there are none."""
        found = self.routing.get((tenant, model, version))
        return None if found is None or not found.rows else (found.rows, found.group_drift)

    def _look(self, seen: Seen) -> None:
        if len(self._seen) < MAX_LOOKED_AT and seen.served.recommender.routing is not None:
            self._seen.append(seen)

    def _count(self, seen: Seen) -> None:
        version, routing = seen.served.version, seen.served.recommender.routing
        if routing is None:
            return
        key = (version.tenant, version.name, version.version)
        with suppress(Exception):  # what was answered can be read; were it not so, the answers of others must be kept all the same
            observed = routing.observe(seen.stated, seen.items)
            if observed is not None:
                self.routing[key] = (self.routing.get(key) or RoutingMetrics.of(routing)).plus(observed)

    def _flush(self) -> None:
        waiting: list[Answer] = []
        while self._answers:
            waiting.append(self._answers.popleft().answer)
        try:
            self.feedback.remember(waiting)
        except Exception as error:  # the database is out of reach, or its pool is empty; the thread lives on
            for _ in waiting:
                self.drop()
            LOG.warning("answers could not be kept", answers=len(waiting), error=str(error))

    def _put(self, asked: Asked) -> None:
        try:
            self._asked.put_nowait(asked)
        except queue.Full:
            self.drop()

    def _keep(self) -> None:
        while not self._stop.wait(FLUSH_S):
            self.flush()
            if time.monotonic() - self._forgot > FORGET_EVERY_S:
                self._forgot = time.monotonic()
                self._forget()
        self.flush()

    def _forget(self) -> None:
        try:
            LOG.info("answers forgotten", answers=self.feedback.forget(self.kept_s, self._between))
        except Exception as error:  # as above
            LOG.warning("the database is out of reach", error=str(error))

    def _between(self) -> bool:
        """Between two transactions that forget: others write, and so does this thread what waits; whether to go on."""
        self.flush()
        return not self._stop.wait(PAUSE_S)

    def _shadow(self) -> None:
        while not self._stop.is_set():
            try:
                asked = self._asked.get(timeout=FLUSH_S)
            except queue.Empty:
                continue
            for shadow in asked.shadows:
                self._compare(shadow, asked)

    def _compare(self, shadow: Served, asked: Asked) -> None:
        version = shadow.version
        figures = self.shadows.setdefault((version.tenant, version.name, version.version), ShadowMetrics())
        began = time.perf_counter()
        try:
            found = list(_pairs(shadow, asked))
        except Exception:  # whatever a shadow does, the next one is asked
            figures.failures += 1
            return
        figures.seconds += time.perf_counter() - began
        figures.requests += 1
        figures.rows += len(found)
        figures.difference += sum(abs(given - other) for given, other in found)


def _pairs(shadow: Served, asked: Asked) -> Iterator[tuple[float, float]]:
    """Served score and the shadow's, row by row; items that the shadow does not know are left out."""
    if not isinstance(asked.rows, RecommendRequest):
        found = shadow.recommender.score(asked.rows)
        yield from zip(asked.scores, (one.score for one in found), strict=True)
        return
    if not asked.items:
        return
    request = RecommendRequest(context=asked.rows.context, candidates=asked.items, k=len(asked.items))
    scores = {item.id: item.score for item in shadow.recommender.recommend(request).items}
    yield from ((given, scores[item]) for item, given in zip(asked.items, asked.scores, strict=True) if item in scores)
