"""Questions that may block, and a head that is lost while nobody speaks with it."""

from __future__ import annotations

import socket
import threading

import pytest

from ihas.errors import ClusterError
from ihas.training.cluster_head import HEAD_GRACE_S, LOOK_S, Head, Lookout
from ihas.training.cluster_watch import Watch, asked, asked_briefly
from tests.clock import Clock

pytestmark = pytest.mark.tf


def test_a_question_gives_its_answer_or_its_error() -> None:
    """As a call would."""
    assert asked(lambda: 7, lambda: None) == 7
    assert asked_briefly(lambda: 7) == 7
    with pytest.raises(ArithmeticError, match="none"):
        asked(_fail, lambda: None)
    with pytest.raises(ArithmeticError, match="none"):
        asked_briefly(_fail)


def _fail() -> None:
    raise ArithmeticError("none")


def test_who_waits_for_an_answer_looks_meanwhile() -> None:
    """What the look raises ends the wait, though the question never ends."""
    never = threading.Event()

    def look() -> None:
        raise ClusterError("The Ray head has been gone.")

    with pytest.raises(ClusterError, match="has been gone"):
        asked(never.wait, look)
    never.set()


def test_a_question_without_an_answer_is_left() -> None:
    """After a few seconds there is none."""
    never = threading.Event()
    assert asked_briefly(never.wait) is None
    never.set()


def test_a_cluster_whose_head_is_lost_is_left_once() -> None:
    """After the head's grace, and not while somebody speaks with it, who looks for it as well."""
    clock, left = Clock(), list[int]()
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = Head("127.0.0.1", server.getsockname()[1])
        watch = Watch(head, lambda: left.append(1), lambda found: Lookout(found, lambda: True, clock))
        clock.advance(LOOK_S)
        assert watch.step()
    with watch.speaking():
        clock.advance(2 * HEAD_GRACE_S)
        assert watch.step()
        assert not left
    clock.advance(HEAD_GRACE_S)
    assert watch.step()
    clock.advance(LOOK_S)

    assert not watch.step()
    assert left == [1]
