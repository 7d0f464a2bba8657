"""Brokers for tests: librdkafka's own mock cluster, which speaks the protocol on loopback ports, or the servers that
IHAS_TEST_KAFKA_SERVERS names."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from ihas_service.consuming.topic import QUIET
from tests.clock import HANG_S
from tests.service.conftest import eventually

NAMED = "IHAS_TEST_KAFKA_SERVERS"
PARTITIONS = 4


class Kafka:
    """Servers of Kafka.

    Attributes:
        servers: HOST:PORT with commas between.
    """

    def __init__(self) -> None:
        named = os.environ.get(NAMED)
        of_mock: dict[str, str | int] = {} if named else {"test.mock.num.brokers": 1}
        self._cluster = Producer({"bootstrap.servers": named or "mock:1", **of_mock}, logger=QUIET)
        brokers = self._cluster.list_topics(timeout=HANG_S).brokers.values()
        self.servers = named or ",".join(f"{one.host}:{one.port}" for one in brokers)
        self._named = named is not None

    def topic(self, name: str) -> str:
        """A new topic of `PARTITIONS` partitions; its whole name."""
        whole = f"{name}-{uuid.uuid4().hex[:8]}"
        if self._named:
            admin = AdminClient({"bootstrap.servers": self.servers})  # ends what it was asked for when it goes
            made = admin.create_topics([NewTopic(whole, PARTITIONS, 1)])
            for one in made.values():
                one.result(HANG_S)
        eventually(
            lambda: self._cluster.list_topics(whole, timeout=HANG_S).topics[whole].error is None
        )  # a mock makes what it is asked for
        return whole

    def send(self, topic: str, values: Iterable[bytes | None], partition: int | None = None) -> None:
        """Write messages, into partitions in turn unless one is named."""
        producer = Producer({"bootstrap.servers": self.servers, "acks": "all"}, logger=QUIET)
        for number, value in enumerate(values):
            to = number % PARTITIONS if partition is None else partition
            producer.produce(topic, value, key=f"key {number}", partition=to, headers=[("source", b"test")])
        assert producer.flush(HANG_S) == 0

    def read(self, topic: str, count: int) -> Sequence[Message]:
        """The first messages of a topic, of all its partitions."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}, logger=QUIET)
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        found = consumer.consume(count, timeout=HANG_S)
        consumer.close()
        return found

    def committed(self, topic: str, group: str) -> int:
        """Messages that a group is done with."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": group}, logger=QUIET)
        found = consumer.committed([TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=HANG_S)
        consumer.close()
        return sum(max(0, one.offset) for one in found)
