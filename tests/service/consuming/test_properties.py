"""Properties of the connection to Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.errors import ConfigError
from ihas_service.consuming.properties import MAX_BYTES, Properties, read_properties

FILE = """# a cluster that asks for a name
security.protocol=SASL_SSL
sasl.mechanism = SCRAM-SHA-512
sasl.username=shop

sasl.password=a=b #c
session.timeout.ms=9000
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file of properties."""
    path = tmp_path / "kafka.properties"
    path.write_text(FILE)
    return path


def test_what_is_stated_goes_before_the_file(written: Path) -> None:
    """Servers and group of the command line, then the file, then what the consumer needs; a producer has none of a consumer's."""
    found = read_properties(written).consumer("kafka:9093", "loop")
    assert {name: found[name] for name in ("bootstrap.servers", "group.id", "sasl.password", "session.timeout.ms")} == {
        "bootstrap.servers": "kafka:9093",
        "group.id": "loop",
        "sasl.password": "a=b #c",
        "session.timeout.ms": "9000",
    }
    assert (found["enable.auto.commit"], found["auto.offset.reset"]) == (False, "earliest")
    writing = read_properties(written).producer("kafka:9093")
    assert (writing["acks"], writing["sasl.mechanism"]) == ("all", "SCRAM-SHA-512")
    assert not {"group.id", "session.timeout.ms", "auto.offset.reset", "enable.auto.commit", "allow.auto.create.topics"} & set(writing)


def test_the_file_may_name_servers_and_group() -> None:
    """Without words on the command line the file's hold, and the group is `ihas` where neither says it."""
    found = Properties({"bootstrap.servers": "b:1", "group.id": "g"}).consumer(None, None)
    assert (found["bootstrap.servers"], found["group.id"]) == ("b:1", "g")
    assert Properties({}).consumer("b:1", None)["group.id"] == "ihas"


def test_secrets_are_never_shown(written: Path) -> None:
    """What a library says is freed of user, password and keys, and keeps the rest."""
    found = read_properties(written)
    assert found.redacted("no SCRAM-SHA-512 for shop with a=b #c") == "no SCRAM-SHA-512 for [hidden] with [hidden]"
    assert "a=b" not in repr(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sasl.password hunter2", "Line 1 of .* must be a property"),
        ("\n=hunter2", "Line 2 of .* must be a property"),
        ("sasl.password=hunter2\nsasl.password=hunter3", "Line 2 of .* sets `sasl.password` once more"),
        ("a=" + "hunter2" * MAX_BYTES, "at most 65,536 bytes"),
    ],
)
def test_a_wrong_line_is_told_without_its_text(tmp_path: Path, text: str, told: str) -> None:
    """The number of the line, for the line may hold a password."""
    path = tmp_path / "kafka.properties"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        read_properties(path)
    assert "hunter" not in str(caught.value)


def test_what_ihas_decides_is_refused() -> None:
    """Offsets committed by a timer would lose events; nothing connects to nowhere."""
    with pytest.raises(ConfigError, match="`enable.auto.commit` is set by ihas"):
        Properties({"enable.auto.commit": "true"}).consumer("b:1", None)
    with pytest.raises(ConfigError, match="--servers HOST:PORT"):
        Properties({}).consumer(None, None)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder, and bytes that are no text."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_properties(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError, match="must be UTF-8"):
        read_properties(tmp_path / "bytes")
