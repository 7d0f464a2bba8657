"""What a lost head must not do to a run: hold it up in a question, or end it without a word.

Ray's questions to the head block while it is away; a minute later Ray ends the process from C++ with exit code 1 and no line of ours. So
questions are asked on threads of their own, and while nobody speaks with the cluster a lost head is noticed and the cluster left, after
which the process goes on without it. Seen with ray 2.60.0; source: our choice (decision 105).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

from ihas.errors import ClusterError
from ihas.training.cluster_head import ANSWER_S, LOOK_S, Head, Lookout

Result = TypeVar("Result")


def asked(question: Callable[[], Result], look: Callable[[], None]) -> Result:
    """What a question that may block gives; `look` is called while it does, and what it raises ends the wait."""
    answer = _begun(question)
    while not wait([answer], LOOK_S).done:
        look()
    return answer.result()


def asked_briefly(question: Callable[[], Result]) -> Result | None:
    """The same, None where there is no answer within `ANSWER_S`; what the question raises is raised."""
    answer = _begun(question)
    return answer.result() if wait([answer], ANSWER_S).done else None


def _begun(question: Callable[[], Result]) -> Future[Result]:
    answer = Future[Result]()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name="asking", daemon=True).start()  # a daemon: it may never end
    return answer


class Watch:
    """Leaves a cluster whose head is lost while nobody speaks with it.

    Args:
        head: of the cluster.
        leave: disconnects from it.
        lookout: makes what notices that the head is gone.
    """

    def __init__(self, head: Head, leave: Callable[[], None], lookout: Callable[[Head], Lookout]) -> None:
        self._head, self._leave, self._new = head, leave, lookout
        self._speaks, self._lookout = threading.Lock(), lookout(head)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Within the block, who speaks with the cluster looks for its head too."""
        with self._speaks:
            try:
                yield
            finally:
                self._lookout = self._new(self._head)

    def step(self) -> bool:
        """Look once; False where the cluster has been left."""
        if not self._speaks.acquire(blocking=False):
            return True
        try:
            self._lookout.look()
        except ClusterError:
            self._leave()
            return False
        finally:
            self._speaks.release()
        return True

    def start(self) -> None:
        """Look until the cluster has been left, on a thread of its own."""
        threading.Thread(target=self._run, name="watching the head", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while self.step():
            pause.wait(LOOK_S)
