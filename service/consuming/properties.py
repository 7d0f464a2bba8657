"""Properties of the connection to Kafka: a file of `name=value` lines as librdkafka names them, and what of it is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ihas.errors import ConfigError

MAX_BYTES = 65_536
"""Bytes of a file of properties."""
OURS: Mapping[str, str | int | bool] = {
    "enable.auto.commit": False,  # offsets are committed once the service has accepted the events
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "allow.auto.create.topics": False,
}
FIRST: Mapping[str, str | int | bool] = {
    "auto.offset.reset": "earliest",  # a new group misses nothing
    "queued.max.messages.kbytes": 16_384,
    "client.id": "ihas",
}
"""What holds where the file says nothing else."""
OF_CONSUMERS = (
    "allow.auto.create.",
    "group.",
    "auto.offset.",
    "enable.auto.",
    "enable.partition.",
    "queued.",
    "fetch.",
    "session.",
    "heartbeat.",
    "max.poll.",
)
"""Beginnings of properties that producers do not have."""
SHOWN = frozenset({"security.protocol", "sasl.mechanism", "sasl.mechanisms", "ssl.endpoint.identification.algorithm"})
SECRET = re.compile(r"password|secret|jaas|token|\.pem$|^sasl\.|credential|api[._-]?key", re.IGNORECASE)
HIDDEN = "[hidden]"


@dataclass(frozen=True)
class Properties:
    """Properties of the connection.

    Attributes:
        values: by name, as librdkafka takes them.
    """

    values: Mapping[str, str] = field(repr=False)

    def consumer(self, servers: str | None, group: str | None) -> dict[str, str | int | bool]:
        """The configuration of a consumer; what is stated goes before what the file says.

        Raises:
            ConfigError: no servers are named, or the file sets what the consumer has to set itself.
        """
        wrong = next((name for name in OURS if name in self.values), None)
        if wrong is not None:
            raise ConfigError(f"`{wrong}` is set by ihas, which commits offsets itself. Take it out of the file of properties.")
        stated = {"bootstrap.servers": servers, "group.id": group}
        found = {**FIRST, "group.id": "ihas", **self.values, **{name: value for name, value in stated.items() if value is not None}, **OURS}
        if not found.get("bootstrap.servers"):
            raise ConfigError("The servers of Kafka must be named. State --servers HOST:PORT, or `bootstrap.servers` in --config FILE.")
        return found

    def producer(self, servers: str | None) -> dict[str, str | int | bool]:
        """The configuration of a producer to the same servers, which waits for all replicas."""
        given = {name: value for name, value in self.consumer(servers, None).items() if not name.startswith(OF_CONSUMERS)}
        return {**given, "acks": "all", "message.timeout.ms": 60_000}

    def redacted(self, text: object) -> str:
        """A text without the values that are secret."""
        said = str(text)
        for secret in sorted(self._secrets(), key=len, reverse=True):
            said = said.replace(secret, HIDDEN)
        return said

    def _secrets(self) -> Iterable[str]:
        return {value for name, value in self.values.items() if value and name not in SHOWN and SECRET.search(name)}


def read_properties(path: Path | None) -> Properties:
    """The properties of a file; none without one.

    Raises:
        ConfigError: it cannot be read, or a line is no property; says the line's number and never its text.
    """
    if path is None:
        return Properties({})
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or name.startswith(("#", "!")):
            continue
        if not equals or not re.fullmatch(r"[a-z0-9_.]+", name):
            raise ConfigError(f"Line {number} of {path} must be a property such as security.protocol=SASL_SSL, but is none. Correct it.")
        if name in found:
            raise ConfigError(f"Line {number} of {path} sets `{name}` once more. Leave one of both lines.")
        found[name] = value
    return Properties(found)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"The file of properties {path} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"A file of properties must have at most {MAX_BYTES:,} bytes, but {path} has more. Name another file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"The file of properties {path} must be UTF-8. Name another file.") from None
