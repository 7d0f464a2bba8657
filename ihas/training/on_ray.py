"""Independent trainings on the machines of a Ray cluster; the one module that imports ray.

    a task     checks that its machine computes as the run's does, then yields the epochs of its training and last its result
    arrays     travel as names of files in the run's folder, which all machines share (ihas/data/shared_arrays.py)
    a loss     of a process or a machine repeats the trainings that ran there, each at most `RETRIES` times; what was told is not told again
    an error   of one training ends the others' processes

A task is Python that Ray pickles and a machine of the cluster carries out: whoever has the cluster's token can run anything there. Nothing
that was pickled is kept. Source: our choice (decision 99).
"""

from __future__ import annotations

import io
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import ray
from ray import cloudpickle, exceptions

from ihas.data.shared_arrays import ArrayPlace, SharedArrays, shared_folder
from ihas.errors import ClusterError
from ihas.extensions.modules import VARIABLE
from ihas.training.arithmetic import Arithmetic, own_arithmetic
from ihas.training.cluster_head import LOOK_S, RETRIES, Head, Lookout
from ihas.training.streamed import Told, streamed
from ihas.training.trainer import EpochListener

Result = TypeVar("Result")


def train_on_ray(
    trainings: Sequence[Callable[[EpochListener], Result]], address: str, bytes_held: int, listen: EpochListener
) -> list[Result]:
    """Results of the trainings, in their order, as `train_in_parallel` gives them.

    Args:
        trainings: each is given the listener of its epochs.
        address: `host:port` of the cluster's head.
        bytes_held: memory that one training holds; a machine runs as many at once as this and its processors allow.
        listen: told of every epoch, on the calling thread.

    Raises:
        ConfigError: the address is none.
        ClusterError: the cluster cannot be reached or was lost, a training was lost too often, or a machine would compute otherwise.
        the first error of a training or of the listener: the others' processes are ended.
    """
    head = Head.at(address)
    _connect(address, head)
    with shared_folder() as folder:
        arrays, own = SharedArrays(folder), asdict(own_arithmetic())
        packed = [pack(training, arrays) for training in trainings]
        limits: dict[str, Any] = {"num_cpus": 1, "memory": _memory(bytes_held), "max_retries": RETRIES, "scheduling_strategy": "SPREAD"}
        task = ray.remote(num_returns="streaming", **limits)(_carry_out)
        streams = [task.remote(one, own, os.environ.get(VARIABLE, "")) for one in packed]
        with _ended_by_errors(streams):
            return _results(streams, Lookout(head, _has_processors), listen)


class _Pickler(cloudpickle.CloudPickler):
    """Writes arrays as places."""

    def __init__(self, file: io.BytesIO, arrays: SharedArrays) -> None:
        super().__init__(file)
        self._arrays = arrays

    def reducer_override(self, obj: Any) -> Any:
        """How an object is written (pickle's hook)."""
        place = self._arrays.place(obj) if isinstance(obj, np.ndarray) else None
        return super().reducer_override(obj) if place is None else (ArrayPlace.open, (place,))


def pack(training: Callable[[EpochListener], object], arrays: SharedArrays) -> bytes:
    """A training as it is sent: some KB, arrays by their places."""
    file = io.BytesIO()
    _Pickler(file, arrays).dump(training)
    return file.getvalue()


def unpack(packed: bytes) -> Callable[[EpochListener], Any]:
    """The training, its arrays open.

    Raises:
        ClusterError: this machine does not see one of them.
    """
    training: Callable[[EpochListener], Any] = cloudpickle.loads(packed)
    return training


def _carry_out(packed: bytes, wanted: Mapping[str, Any], extensions: str) -> Iterator[Told]:
    """On a machine of the cluster: the epochs of a training, then its result as bytes, whose arrays can be written to as a thread's can."""
    os.environ.pop("IHAS_RAY_ADDRESS", None)  # what it trains beside each other itself, it trains in threads
    os.environ[VARIABLE] = extensions
    if differences := Arithmetic(**wanted).differences(asdict(own_arithmetic(wanted["threads"]))):
        raise ClusterError(
            f"Machines that train together must compute alike, to the bit, but {ray.util.get_node_ip_address()} has "
            f"{'; '.join(differences)}. Install the same versions there, or take the machine out of the cluster."
        )
    for kind, value in streamed(unpack(packed)):
        yield kind, cloudpickle.dumps(value) if kind == "result" else value


def _connect(address: str, head: Head) -> None:
    """Join the cluster, once for this process; what ends a process on SIGTERM stays as it was."""
    if ray.is_initialized():
        return
    if not head.answers():
        raise ClusterError(f"The Ray head must answer at {address} (IHAS_RAY_ADDRESS), but does not. Start it, or unset IHAS_RAY_ADDRESS.")
    with _handler_of_sigterm_kept():
        try:
            ray.init(address, log_to_driver=False, configure_logging=False, logging_level=logging.ERROR)
            ray._private.worker._worker_logs_enabled = False  # else what it says of lost machines comes between our lines of progress
        except Exception as error:  # of a dozen kinds
            raise ClusterError(
                f"The Ray cluster at {address} must let this run in, but did not ({_said(error)}). Give the run the cluster's token "
                "(RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN) and versions of Ray and Python, and start a node of the cluster on this machine."
            ) from error


@contextmanager
def _handler_of_sigterm_kept() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, kept)


def _memory(bytes_held: int) -> int:
    """What a training asks of a machine: what it holds, or all of the largest."""
    offered = [node["Resources"].get("memory", 0.0) for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    return int(min(bytes_held, max(offered, default=0.0) or bytes_held))


def _has_processors() -> bool:
    return bool(ray.cluster_resources().get("CPU"))


@contextmanager
def _ended_by_errors(streams: Sequence[Any]) -> Iterator[None]:
    """End the processes of what still runs where the block raises."""
    try:
        yield
    except BaseException:
        for stream in streams:
            with suppress(Exception):
                ray.cancel(stream, force=True)
        raise


def _results(streams: Sequence[Any], lookout: Lookout, listen: EpochListener) -> list[Any]:
    results, running = dict[Any, Any](), list(streams)
    while running:
        ready, _ = ray.wait(running, num_returns=1, timeout=LOOK_S, fetch_local=False)
        lookout.look()
        for stream in ready:
            kind, value = _next(stream)
            if kind == "epoch":
                listen(value)
            else:
                results[stream] = cloudpickle.loads(value)
                running.remove(stream)
    return [results[stream] for stream in streams]


def _next(stream: Any) -> Told:
    try:
        found: Told = ray.get(next(stream))
    except exceptions.RayTaskError as error:
        raise error.cause from None
    except (exceptions.RayError, StopIteration) as error:
        raise ClusterError(
            f"Every training must be carried out, but no machine of the Ray cluster brought one to its end ({_said(error)}); "
            f"after a loss it is begun again {RETRIES} times. Finished stages are kept: see Ray's logs, then resume the run."
        ) from error
    return found


def _said(error: BaseException) -> str:
    """The first line of what Ray says, which may be pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
