"""Events from a topic of Kafka to the service: read, reported, and committed once the service has them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ihas_service.client.batching import AT_ONCE
from ihas_service.client.event_file import BATCH_BYTES
from ihas_service.consuming.dead_letters import DeadLetters
from ihas_service.consuming.messages import Event, Message, Refused, read
from ihas_service.consuming.sender import Sender
from ihas_service.consuming.topic import SLICE_S, Topic

LAST_TRIES = 3
"""Tries to commit before the end."""


@dataclass(frozen=True)
class Limits:
    """How much is read.

    Attributes:
        batch: messages of a batch, at most `AT_ONCE`.
        wait_s: seconds after a batch's first message until it is reported.
        messages: messages after which to end; None for no end.
        until_end: whether to end once each partition was read to its end.
    """

    batch: int = AT_ONCE
    wait_s: float = 1.0
    messages: int | None = None
    until_end: bool = False


@dataclass
class Consumed:
    """What became of messages."""

    messages: int = 0
    accepted: int = 0
    refused: int = 0
    batches: int = 0
    committed: dict[int, int] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON values; `committed` are offsets by partition."""
        offsets = {str(number): offset for number, offset in sorted(self.committed.items())}
        return {**self.__dict__, "committed": offsets}


@dataclass(frozen=True)
class Consuming:
    """Reads a topic until its end, a number of messages, or a stop.

    Attributes:
        stopped: whether to end after the batch in hand.
        tell: hears of each refused message.
        dead: where refused messages are kept; None where they are told alone.
    """

    topic: Topic
    sender: Sender
    limits: Limits
    stopped: Callable[[], bool]
    tell: Callable[[Refused], None]
    dead: DeadLetters | None = None

    def run(self) -> Consumed:
        """Read, report and commit, batch by batch."""
        done, committed = Consumed(committed=self.topic.committed), True
        while not self._over(done.messages):
            batch = self._gather(done.messages)
            if batch:
                self._report(batch, done)
                committed = self.topic.commit(message.place for message in batch)
        for _ in range(LAST_TRIES):
            committed = committed or (self.topic.wait(1.0, lambda: False) and self.topic.commit(()))
        return done

    def _report(self, batch: list[Message], done: Consumed) -> None:
        """Report a batch; once this returns, each of its messages is with the service, or told and kept as a dead letter."""
        found = [read(message) for message in batch]
        events = [one for one in found if isinstance(one, Event)]
        rejected = self.sender.send(events)
        refused = sorted([*(one for one in found if isinstance(one, Refused)), *rejected], key=lambda one: one.message.place)
        for one in refused:
            self.tell(one)
        if self.dead is not None and refused:
            self.dead.put(refused)
        done.messages += len(batch)
        done.accepted += len(events) - len(rejected)
        done.refused += len(refused)
        done.batches += 1

    def _gather(self, before: int) -> list[Message]:
        """The next messages, as many as a report takes, or as come within the wait after the first one."""
        batch, size, end = list[Message](), 0, None
        most = self.limits.batch if self.limits.messages is None else min(self.limits.batch, self.limits.messages - before)
        while len(batch) < most and size < BATCH_BYTES and not self._over(before):
            left = SLICE_S if end is None else end - time.monotonic()
            if end is not None and left <= 0:
                break
            message = self.topic.poll(left)
            if message is not None:
                end = end or time.monotonic() + self.limits.wait_s
                batch.append(message)
                size += message.bytes
        return batch

    def _over(self, messages: int) -> bool:
        """Whether nothing more is to be read."""
        reached = self.limits.messages is not None and messages >= self.limits.messages
        return reached or self.stopped() or (self.limits.until_end and self.topic.ended)
