"""A topic of Kafka, and topics for what is no event."""

from __future__ import annotations

import pytest

from ihas_pipelines.runs.exit_codes import CommandError
from ihas_service.consuming.dead_letters import DeadLetters
from ihas_service.consuming.messages import Message, Place, Refused
from ihas_service.consuming.properties import Properties
from ihas_service.consuming.topic import Topic
from tests.service.consuming.kafka import Kafka

pytestmark = pytest.mark.full


def test_a_wrong_property_is_named_and_no_secret() -> None:
    """A name that librdkafka has not, and a value that it refuses."""
    given = Properties({"sasl.passwort": "hunter2"})
    with pytest.raises(CommandError, match=r"sasl\.passwort") as caught:
        Topic("clicks", given.consumer("x:1", None), print, given.redacted)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(CommandError, match="no such properties"):
        DeadLetters("refused", {"acks": "many"}, str)


def test_a_wait_reads_nothing_on_and_loses_nothing(kafka: Kafka) -> None:
    """While it waits for the service, a member keeps its partitions; each message comes once, before or after."""
    topic, said = kafka.topic("clicks"), list[str]()
    kafka.send(topic, [b"%d" % number for number in range(40)])
    with Topic(topic, Properties({"session.timeout.ms": "6000"}).consumer(kafka.servers, topic), said.append, str) as source:
        found: list[Message] = []
        while not source.ended:
            if (message := source.poll(0.2)) is not None:
                found.append(message)
            if len(found) in (0, 7):
                assert source.wait(0.3, lambda: False)
                assert not source.wait(0.3, lambda: True)
        assert source.commit(message.place for message in found)
    assert sorted(int(message.value or b"") for message in found) == list(range(40))
    assert (sum(source.committed.values()), said) == (40, [])


def test_a_change_in_the_group_is_no_end(kafka: Kafka) -> None:
    """Partitions that are given up for a new member have not been read; each member ends with those that it gets."""
    topic, seen = kafka.topic("clicks"), list[bool]()
    configuration = Properties({"session.timeout.ms": "6000", "heartbeat.interval.ms": "500"}).consumer(kafka.servers, topic)
    with Topic(topic, configuration, print, str) as first:
        while not first.ended:
            assert first.poll(0.2) is None
        with Topic(topic, configuration, print, str) as second:
            while not (second.ended and first.ended):
                first.poll(0.2)
                second.poll(0.2)
                seen.append(first.ended)
    assert (seen[-1], False in seen) == (True, True)


def test_a_dead_letter_that_cannot_be_written_is_an_error(kafka: Kafka) -> None:
    """What is larger than the servers take is not lost in silence."""
    letters = DeadLetters(kafka.topic("refused"), Properties({"message.max.bytes": "1000"}).producer(kafka.servers), str)
    with pytest.raises(CommandError, match="cannot be written to topic 'refused-.*Nothing of this batch is committed"):
        letters.put([Refused(Message(Place("clicks", 0, 0), b"x" * 70_000), "It is too long.")])
