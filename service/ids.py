"""Unguessable ids, from random bytes that are fetched in blocks, since each call for them releases the GIL."""

from __future__ import annotations

import os
import threading

FETCHED = 4_096


class Randomness:
    """Random bytes of the operating system; safe to call from several threads."""

    def __init__(self) -> None:
        self._left, self._taking = b"", threading.Lock()

    def forget(self) -> None:
        """Fetch anew, as a process must that another one was split off from."""
        self._left, self._taking = b"", threading.Lock()

    def hex(self, number: int) -> str:
        """So many bytes, each in two digits.

        Raises:
            ValueError: more than `FETCHED`.
        """
        if number > FETCHED:
            raise ValueError(f"At most {FETCHED} bytes are given at once, but {number} were asked for. Ask several times.")
        with self._taking:
            if len(self._left) < number:
                self._left = os.urandom(FETCHED)
            taken, self._left = self._left[:number], self._left[number:]
        return taken.hex()


RANDOM = Randomness()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=RANDOM.forget)


def new_id(prefix: str) -> str:
    """An opaque, unguessable id."""
    return f"{prefix}_{RANDOM.hex(12)}"
