"""Messages that are no events, kept in a topic of their own with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer

from ihas_pipelines.runs.exit_codes import CommandError, ExitCode
from ihas_service.consuming.messages import Refused
from ihas_service.consuming.topic import QUIET, SLICE_S

FLUSH_S = 75.0
"""Seconds within which messages must be written; the producer gives up before."""
HEADER = "ihas-"


class DeadLetters:
    """A topic for refused messages: value, key and headers as they were, and in `ihas-*` headers the place and the reason.

    Args:
        configuration: of librdkafka's producer.
        redacted: a text without secrets.
    """

    def __init__(self, topic: str, configuration: Mapping[str, str | int | bool], redacted: Callable[[object], str]) -> None:
        self._topic, self._redacted, self._failed = topic, redacted, list[KafkaError]()
        try:
            self._producer = Producer({**configuration}, logger=QUIET)
        except (KafkaException, TypeError, ValueError) as error:
            raise CommandError(f"Kafka takes no such properties: {redacted(error)}", ExitCode.USAGE) from None

    def put(self, refused: Sequence[Refused]) -> None:
        """Write messages; they are on all replicas once this returns.

        Raises:
            CommandError: one could not be written.
        """
        try:
            for one in refused:
                self._producer.produce(self._topic, one.message.value, one.message.key, on_delivery=self._written, headers=_headers(one))
        except (KafkaException, BufferError) as error:
            raise self._lost(error) from None
        end = time.monotonic() + FLUSH_S
        while self._producer.flush(SLICE_S) and time.monotonic() < end:
            continue
        if self._failed or len(self._producer):
            raise self._lost(self._failed[0] if self._failed else "no answer")

    def _written(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._failed.append(error)

    def _lost(self, why: object) -> CommandError:
        said = f"Refused messages cannot be written to topic {self._topic!r}: {self._redacted(why)}. Nothing of this batch is committed."
        return CommandError(said, ExitCode.RUN_FAILED)


def _headers(refused: Refused) -> list[tuple[str, str | bytes | None]]:
    """The headers that the message had, without a previous reason, and those that say why and where from."""
    place = refused.message.place
    kept = [(name, value) for name, value in refused.message.headers if not name.startswith(HEADER)]
    told = {"reason": refused.reason, "topic": place.topic, "partition": str(place.partition), "offset": str(place.offset)}
    return [*kept, *((HEADER + name, text.encode()) for name, text in told.items())]
