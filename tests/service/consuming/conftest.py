"""What the tests of the consumer share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.consuming.kafka import Kafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """Servers of Kafka."""
    yield Kafka()
