"""A system in a process of its own, so that its imports, threads and memory are not the others'."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from ihas_pipelines.benchmarks.timing import Measurement, System

Prepare = Callable[..., Mapping[str, System]]


class Child:
    """A spawned process that prepares systems and measures each on request; a context manager."""

    def __init__(self, prepare: Prepare, *arguments: Any) -> None:
        """
        Args:
            prepare: function of a module, called in the child; gives its systems.
            arguments: of `prepare`; they are sent to the child.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, prepare, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()

    def systems(self) -> dict[str, System]:
        """The child's systems; waits until it is ready.

        Raises:
            RuntimeError: the child failed; says why.
        """
        names = self._answer()
        return {name: lambda name=name: self._measure(name) for name in names}  # type: ignore[misc]  # mypy cannot infer the default

    def _measure(self, name: str) -> Measurement:
        self._connection.send(name)
        measurement: Measurement = self._answer()
        return measurement

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except EOFError as error:
            raise RuntimeError(f"The child process ended with status {self._process.exitcode}; its messages stand above.") from error
        if isinstance(answer, Exception):
            raise RuntimeError(f"The child process failed: {type(answer).__name__}: {answer}") from answer
        return answer


def _serve(connection: Connection, prepare: Prepare, arguments: tuple[Any, ...]) -> None:
    try:
        systems = prepare(*arguments)
        connection.send(list(systems))
        while True:
            connection.send(systems[connection.recv()]())
    except EOFError:  # nobody asks any more
        return
    except Exception as error:
        connection.send(error)
