"""The head of a cluster."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ihas.errors import ClusterError, ConfigError
from ihas.training.cluster_head import HEAD_GRACE_S, LOOK_S, NODES_GRACE_S, Head, Lookout
from tests.clock import Clock

pytestmark = pytest.mark.tf


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _head(server: socket.socket) -> Head:
    return Head("127.0.0.1", server.getsockname()[1])


@pytest.mark.parametrize(("address", "head"), [("10.0.0.5:6379", Head("10.0.0.5", 6379)), ("[::1]:1", Head("::1", 1))])
def test_an_address_is_host_and_port(address: str, head: Head) -> None:
    """An address of version 6 stands in brackets."""
    assert Head.at(address) == head


@pytest.mark.parametrize("address", ["", "auto", "10.0.0.5", ":6379", "ray://10.0.0.5:10001", "a:0", "a:65536", "a:x", "a:١", "a:-1"])
def test_another_address_is_refused(address: str) -> None:
    """The error shows what was written and how it must be."""
    with pytest.raises(ConfigError, match=r"must be host:port of a Ray head, but got .* 10\.0\.0\.5:6379"):
        Head.at(address)


def test_a_head_that_listens_answers(listening: socket.socket) -> None:
    """And no longer does once it is closed."""
    head = _head(listening)
    assert head.answers()
    listening.close()
    assert not head.answers()


def test_a_head_that_is_gone_is_told_after_its_grace(listening: socket.socket) -> None:
    """A head that answers again in between begins anew; at last it is named, with the way out."""
    clock, head = Clock(), _head(listening)
    lookout = Lookout(head, lambda: True, clock)
    for _ in range(3):
        clock.advance(HEAD_GRACE_S)
        lookout.look()
    listening.close()
    clock.advance(HEAD_GRACE_S)
    lookout.look()

    clock.advance(LOOK_S)
    with pytest.raises(ClusterError, match=rf"head at 127\.0\.0\.1:{head.port} has been gone for more than 10 s\. .* resume the run"):
        lookout.look()


def test_a_cluster_without_processors_is_told_after_its_grace(listening: socket.socket) -> None:
    """Machines may come back for a minute."""
    clock, processors = Clock(), [True, True]
    lookout = Lookout(_head(listening), lambda: bool(processors and processors.pop()), clock)
    for _ in range(3):
        clock.advance(NODES_GRACE_S)
        lookout.look()

    clock.advance(LOOK_S)
    with pytest.raises(ClusterError, match="offers a processor has been gone for more than 60 s"):
        lookout.look()


def test_it_looks_no_more_than_once_a_second(listening: socket.socket) -> None:
    """Epochs of a millisecond do not each open a connection."""
    clock, asked = Clock(), list[int]()
    lookout = Lookout(_head(listening), lambda: not asked.append(1), clock)
    for _ in range(10):
        clock.advance(LOOK_S / 4)
        lookout.look()

    assert len(asked) == 2
