"""What the tests of the consumer share."""

from __future__ import annotations

import pytest

from tests.service.consuming.kafka import Kafka


@pytest.fixture(scope="session")
def kafka() -> Kafka:
    """Servers of Kafka."""
    return Kafka()
