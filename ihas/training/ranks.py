"""The processes of one training, connected each to each; every one sends bytes to the others and receives theirs.

    gather   each rank's array to all:              (n - 1) B sent by a rank
    total    two ranks, or little: gather, add      (n - 1) B
             more: a rank adds up its n-th part of everybody's values and sends the sums        2 (n - 1) B / n

Sums are added in the order of ranks, so that they are equal to the bit everywhere. Whoever connects must know the training's key (HMAC, of
Python's `multiprocessing.connection`); what is sent is bytes of numbers, never pickled, and not encrypted. Source: our choice
(decision 101).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TypeVar

import numpy as np

from ihas.errors import ClusterError
from ihas.layers.batch_shares import Ranks

Address = tuple[str, int]
Result = TypeVar("Result")
AT_ONCE_BYTES = 4_096  # what a connection takes without a reader
NUMBER_BYTES = 4

_ranks: ContextVar[Ranks | None] = ContextVar("ranks", default=None)


class RankLostError(ClusterError):
    """Another process of the training is gone."""


def current_ranks() -> Ranks | None:
    """The processes that train together with this one; None where it trains alone."""
    return _ranks.get()


def as_rank(ranks: Connected, training: Callable[[], Result]) -> Result:
    """What a training gives, where it is one of several processes that carry it out together.

    Raises:
        RankLostError: another of them is gone.
        what the training raises.
    """
    token = _ranks.set(ranks)
    try:
        return training()
    except Exception:
        if ranks.lost is not None:  # which TensorFlow tells as an error of its own
            raise ranks.lost from None
        raise
    finally:
        _ranks.reset(token)


class Door:
    """Where a rank waits for the others.

    Args:
        host: address of this machine.
        key: that all ranks of the training know.
    """

    def __init__(self, host: str, key: bytes) -> None:
        self._listener, self._key = Listener((host, 0), "AF_INET", backlog=64, authkey=key), key
        self.address: Address = self._listener.address

    @contextmanager
    def joined(self, rank: int, addresses: Sequence[Address]) -> Iterator[Connected]:
        """The ranks, connected; all of them call it.

        Raises:
            RankLostError: one of them is gone.
        """
        others = dict[int, Connection]()
        try:
            with _loss_told():
                for number in range(rank):
                    others[number] = Client(addresses[number], "AF_INET", authkey=self._key)
                    others[number].send_bytes(rank.to_bytes(NUMBER_BYTES, "little"))
                for _ in range(rank + 1, len(addresses)):
                    accepted = self._listener.accept()
                    others[int.from_bytes(accepted.recv_bytes(NUMBER_BYTES), "little")] = accepted
            for connection in others.values():
                _send_at_once(connection)
            with ThreadPoolExecutor(max(len(others), 1), "sending") as threads:
                yield Connected(rank, tuple(others[number] for number in sorted(others)), threads)
        finally:
            for connection in others.values():
                connection.close()
            self._listener.close()


@dataclass
class Connected:
    """The ranks of a training, as one of them sees them.

    Attributes:
        rank: this one's number.
        others: connections to the others, by rank.
        threads: that send.
        sent: bytes sent so far.
        messages: gathers and totals so far.
        lost: the error, once another is gone.
    """

    rank: int
    others: tuple[Connection, ...]
    threads: ThreadPoolExecutor
    sent: int = 0
    messages: int = 0
    lost: RankLostError | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.others) + 1

    def gather(self, own: np.ndarray) -> list[np.ndarray]:
        """As `Ranks.gather`."""
        return self._exchange([own] * len(self.others), own)

    def total(self, values: np.ndarray) -> np.ndarray:
        """As `Ranks.total`."""
        if self.count == 2 or values.nbytes <= AT_ONCE_BYTES:
            return _added(self.gather(values))
        parts = np.array_split(values, self.count)
        own = _added(self._exchange([part for number, part in enumerate(parts) if number != self.rank], parts[self.rank]))
        return np.concatenate(self.gather(own))

    def agree(self, said: str) -> None:
        """Check that all ranks say the same.

        Raises:
            ClusterError: one says otherwise.
        """
        own = np.frombuffer(said.encode(), np.uint8)
        for number, other in enumerate(self.gather(own.astype(np.float32))):
            if not np.array_equal(other, own):
                raise ClusterError(
                    f"Machines of one training must compute alike, but machine {self.rank} has ({said}) and machine {number} has "
                    f"({other.astype(np.uint8).tobytes().decode(errors='replace')}). Train with `run.machines = 1`."
                )

    def _exchange(self, outgoing: Sequence[np.ndarray], own: np.ndarray) -> list[np.ndarray]:
        """What each rank has for this one, float32, by rank; `outgoing` is for each of the others, `own` stays."""
        try:
            with _loss_told():
                return self._exchanged(outgoing, own)
        except RankLostError as error:
            self.lost = error
            raise

    def _exchanged(self, outgoing: Sequence[np.ndarray], own: np.ndarray) -> list[np.ndarray]:
        sending = []
        for connection, array in zip(self.others, outgoing, strict=True):
            self.sent += array.nbytes
            data = np.ascontiguousarray(array, np.float32).tobytes()
            if len(data) <= AT_ONCE_BYTES:
                connection.send_bytes(data)
            else:
                sending.append(self.threads.submit(connection.send_bytes, data))
        self.messages += 1
        found = [np.frombuffer(connection.recv_bytes(), np.float32) for connection in self.others]
        for one in sending:
            one.result()
        found.insert(self.rank, np.asarray(own))
        return found


def _added(parts: Sequence[np.ndarray]) -> np.ndarray:
    found = parts[0].copy()
    for part in parts[1:]:
        found += part
    return found


@contextmanager
def _loss_told() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, AuthenticationError) as error:
        raise RankLostError(f"All machines of a training must stay, but one is gone ({type(error).__name__}). Train again.") from error


def _send_at_once(connection: Connection) -> None:
    """A step waits for its messages: none is held back to be sent with the next."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as own:
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
