"""A topic as a member of a group reads it: messages, ends of partitions, offsets that are committed when told."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Raw

from ihas_pipelines.runs.exit_codes import CommandError, ExitCode
from ihas_service.consuming.messages import Message, Place

START_S = 15.0
"""Seconds within which the servers must say what the topic is."""
SLICE_S = 0.2
"""Seconds that nothing interrupts."""
FINAL = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._FATAL,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError._AUTO_OFFSET_RESET,
    }
)
"""Errors that waiting does not mend."""
QUIET = logging.getLogger("ihas_service.consuming.librdkafka")
"""Takes librdkafka's own lines, which are said to nobody: what matters comes as an error, and is redacted."""
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


class Topic:
    """One topic, read from where the group has come to; left at the end of the `with` block.

    Args:
        configuration: of librdkafka's consumer.
        say: hears of errors that pass.
        redacted: a text without secrets.
    """

    def __init__(
        self,
        name: str,
        configuration: Mapping[str, str | int | bool],
        say: Callable[[str], None],
        redacted: Callable[[object], str],
    ) -> None:
        self.name, self._say, self._redacted = name, say, redacted
        self._ended, self._assigned, self._due, self._said = set[int](), False, dict[int, int](), ""
        self._error: KafkaError | None = None
        self._kept = deque[Message]()
        self.committed: dict[int, int] = {}
        try:
            self._consumer = Consumer({**configuration, "error_cb": self._hear}, logger=QUIET)
        except (KafkaException, TypeError, ValueError) as error:
            raise CommandError(f"Kafka takes no such properties: {redacted(error)}", ExitCode.USAGE) from None

    def __enter__(self) -> Topic:
        try:
            self._start()
        except BaseException:
            self._consumer.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    @property
    def ended(self) -> bool:
        """Whether each partition of this member was read to its end once."""
        return self._assigned and self._partitions() <= self._ended

    def poll(self, within_s: float) -> Message | None:
        """The next message; None where there is none within some seconds, at most `SLICE_S`.

        Raises:
            CommandError: Kafka refuses to be read.
        """
        return self._kept.popleft() if self._kept else self._poll(within_s)

    def _poll(self, within_s: float) -> Message | None:
        raw = self._consumer.poll(max(0.0, min(within_s, SLICE_S)))
        self._check(self._error)
        error = None if raw is None else raw.error()
        if raw is None or error is None:
            return None if raw is None else _message(raw)
        if error.code() == KafkaError._PARTITION_EOF:
            self._ended.add(int(raw.partition() or 0))
            return None
        self._check(error)
        self._tell(error)
        return None

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> bool:
        """Stay a member of the group for some seconds without reading on; False where it was stopped."""
        end = time.monotonic() + seconds
        try:
            while not stopped() and (left := end - time.monotonic()) > 0:
                self._consumer.pause(self._consumer.assignment())
                message = self._poll(left)
                if message is not None:  # of a partition that came to this member meanwhile
                    self._kept.append(message)
        finally:
            self._consumer.resume(self._consumer.assignment())
        return not stopped()

    def commit(self, places: Iterable[Place]) -> bool:
        """Commit that the messages at some places, and all before them, are done with; False where that must be tried again.

        Raises:
            CommandError: Kafka refuses it for good.
        """
        for place in places:
            self._due[place.partition] = max(place.offset + 1, self._due.get(place.partition, 0))
        owned = self._partitions()
        self._due = {number: offset for number, offset in self._due.items() if number in owned}
        if not self._due:
            return True
        try:
            offsets = [TopicPartition(self.name, number, offset) for number, offset in sorted(self._due.items())]
            done = self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            return self._not_committed(error.args[0])
        failed = next((one.error for one in done or () if one.error is not None), None)
        if failed is not None:
            return self._not_committed(failed)
        self.committed.update(self._due)
        self._due.clear()
        return True

    def _start(self) -> None:
        try:
            found = self._consumer.list_topics(self.name, timeout=START_S).topics[self.name]
        except KafkaException as error:
            self._consumer.poll(0)
            why = self._redacted(self._error or error.args[0])
            raise CommandError(f"Kafka says nothing of the topic {self.name!r}: {why}", ExitCode.UNREACHABLE) from None
        if found.error is not None and found.error.code() != KafkaError.LEADER_NOT_AVAILABLE:
            raise CommandError(f"There is no topic {self.name!r} to read: {self._redacted(found.error)}", ExitCode.INVALID_DATA)
        self._consumer.subscribe([self.name], on_assign=self._assign, on_revoke=self._revoke)

    def _assign(self, _consumer: Any, partitions: list[TopicPartition]) -> None:
        self._assigned = True
        self._ended -= {one.partition for one in partitions}

    def _revoke(self, _consumer: Any, _partitions: list[TopicPartition]) -> None:
        self._assigned = False

    def _partitions(self) -> set[int]:
        return {one.partition for one in self._consumer.assignment()}

    def _not_committed(self, error: KafkaError) -> bool:
        self._check(error)
        self._say(f"Offsets are not committed yet: {self._redacted(error)}. Events that are read once more count once.")
        return False

    def _hear(self, error: KafkaError) -> None:
        if error.code() in FINAL or error.fatal():
            self._error = error
        else:
            self._tell(error)

    def _tell(self, error: KafkaError) -> None:
        """Say an error once, not as often as it comes."""
        said = f"Kafka: {error.name()}. {self._redacted(error.str())}"
        if error.name() != self._said:
            self._say(said)
        self._said = error.name()

    def _check(self, error: KafkaError | None) -> None:
        if error is not None and (error.code() in FINAL or error.fatal()):
            raise CommandError(f"Kafka refuses topic {self.name!r}: {self._redacted(error)}", ExitCode.RUN_FAILED)


def _message(raw: Raw) -> Message:
    kind, at = raw.timestamp()
    value, key = raw.value(), raw.key()
    return Message(
        place=Place(str(raw.topic()), int(raw.partition() or 0), int(raw.offset() or 0)),
        value=value if value is None else bytes(value),
        key=key if key is None else bytes(key),
        at=None if kind == TIMESTAMP_NOT_AVAILABLE or at <= 0 else at / 1e3,
        headers=tuple((str(name), one) for name, one in _headers(raw)),
    )


def _headers(raw: Raw) -> Iterable[tuple[str, bytes | None]]:
    found: Any = raw.headers()
    return found or ()
