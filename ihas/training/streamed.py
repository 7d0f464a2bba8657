"""A training as a stream: its epochs as it tells of them, and last its result."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal

Told = tuple[Literal["epoch", "result", "error"], Any]


def streamed(training: Callable[[Callable[[Any], None]], Any]) -> Iterator[Told]:
    """`("epoch", figures)` for each epoch, or what else it tells, then `("result", result)`; the training runs on a thread of its own.

    Raises:
        what the training raises.
    """
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()

    def train() -> None:
        try:
            told.put(("result", training(lambda figures: told.put(("epoch", figures)))))
        except BaseException as error:
            told.put(("error", error))

    threading.Thread(target=train, name="training", daemon=True).start()
    while True:
        kind, value = told.get()
        if kind == "error":
            raise value
        yield kind, value
        if kind == "result":
            return
