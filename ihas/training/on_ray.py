"""Trainings on the machines of a Ray cluster, each on one or each on several together; the one module that imports ray.

    a task     checks that its machine computes as the run's does, then yields the epochs of its training and last its result
    arrays     travel as names of files in the run's folder, which all machines share (ihas/data/shared_arrays.py)
    a loss     of a process or a machine repeats the trainings that ran there, each at most `RETRIES` times; what was told is not told again
    an error   of one training ends the others' processes
    together   actors of a placement group that exchange sums at every step (ranks.py); one lost, all begin the training again

A task is Python that Ray pickles and a machine of the cluster carries out: whoever has the cluster's token can run anything there. Nothing
that was pickled is kept. Source: our choice (decisions 99 and 101).
"""

from __future__ import annotations

import io
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import ray
from ray import cloudpickle, exceptions
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from ihas.data.shared_arrays import ArrayPlace, SharedArrays, check_seen, shared_folder
from ihas.errors import ClusterError
from ihas.extensions.modules import VARIABLE
from ihas.results.run_result import EpochMetrics
from ihas.training.arithmetic import Arithmetic, own_arithmetic
from ihas.training.cluster_head import LOOK_S, NODES_GRACE_S, RETRIES, Head, Lookout
from ihas.training.cluster_watch import Watch, asked, asked_briefly
from ihas.training.ranks import Address, Connected, Door, RankLostError, as_rank
from ihas.training.streamed import Told, streamed
from ihas.training.trainer import EpochListener

Result = TypeVar("Result")
Heard = TypeVar("Heard")

Arrived = Callable[[int, Any], None]


def train_on_ray(
    trainings: Sequence[Callable[[Callable[[Heard], None]], Result]],
    address: str,
    bytes_held: int,
    listen: Callable[[Heard], None],
    arrived: Arrived,
    resumed: bool = False,
) -> list[Result]:
    """Results of the trainings, in their order, as `train_in_parallel` gives them.

    Args:
        trainings: each is given the listener of its epochs, or of whatever it tells of.
        address: `host:port` of the cluster's head.
        bytes_held: memory that one training holds; a machine runs as many at once as this and its processors allow.
        listen: told of every epoch, on the calling thread.
        arrived: given a training's number and its result as soon as it is there, likewise.
        resumed: each keeps what it has finished, so that a repetition tells of less than what was lost told of.

    Raises:
        ConfigError: the address is none.
        ClusterError: the cluster cannot be reached or was lost, a training was lost too often, or a machine would compute otherwise.
        the first error of a training or of the listener: the others' processes are ended.
    """
    head = Head.at(address)
    with _connected(address, head), shared_folder() as folder:
        arrays, own, lookout = SharedArrays(folder), asdict(own_arithmetic()), Lookout(head, _has_processors)
        limits: dict[str, Any] = {"num_cpus": 1, "memory": _memory(bytes_held, lookout), "scheduling_strategy": "SPREAD"}
        limits["max_retries"] = 0 if resumed else RETRIES  # Ray's repetition must yield as many values as what was lost
        task = ray.remote(num_returns="streaming", **limits)(_carry_out)
        begin = [partial(task.remote, pack(one, arrays), own, os.environ.get(VARIABLE, ""), str(folder)) for one in trainings]
        return _results(begin, lookout, listen, arrived, repeats=RETRIES if resumed else 0)


class _Pickler(cloudpickle.CloudPickler):
    """Writes arrays as places."""

    def __init__(self, file: io.BytesIO, arrays: SharedArrays) -> None:
        super().__init__(file)
        self._arrays = arrays

    def reducer_override(self, obj: Any) -> Any:
        """How an object is written (pickle's hook)."""
        place = self._arrays.place(obj) if isinstance(obj, np.ndarray) else None
        return super().reducer_override(obj) if place is None else (ArrayPlace.open, (place,))


def pack(training: Callable[[Callable[[Any], None]], object], arrays: SharedArrays) -> bytes:
    """A training as it is sent: some KB, arrays by their places."""
    file = io.BytesIO()
    _Pickler(file, arrays).dump(training)
    return file.getvalue()


def unpack(packed: bytes) -> Callable[[Callable[[Any], None]], Any]:
    """The training, its arrays open.

    Raises:
        ClusterError: this machine does not see one of them.
    """
    training: Callable[[Callable[[Any], None]], Any] = cloudpickle.loads(packed)
    return training


def _carry_out(packed: bytes, wanted: Mapping[str, Any], extensions: str, folder: str) -> Iterator[Told]:
    """On a machine of the cluster: the epochs of a training, then its result as bytes, whose arrays can be written to as a thread's can."""
    _compute_alike(wanted, extensions)
    check_seen(Path(folder))
    for kind, value in streamed(unpack(packed)):
        yield kind, cloudpickle.dumps(value) if kind == "result" else value


def _compute_alike(wanted: Mapping[str, Any], extensions: str) -> None:
    """Prepare this process for a run's trainings, or refuse them."""
    os.environ.pop("IHAS_RAY_ADDRESS", None)  # what it trains beside each other itself, it trains in threads
    os.environ[VARIABLE] = extensions
    if differences := Arithmetic(**wanted).differences(asdict(own_arithmetic(wanted["threads"]))):
        raise ClusterError(
            f"Machines that train together must compute alike, to the bit, but {ray.util.get_node_ip_address()} has "
            f"{'; '.join(differences)}. Install the same versions there, or take the machine out of the cluster."
        )


def train_on_ranks(
    trainings: Sequence[Callable[[EpochListener], Result]],
    address: str,
    bytes_held: int,
    listen: EpochListener,
    arrived: Arrived,
    count: int,
) -> list[Result]:
    """Results of the trainings, one after the other, each carried out by `count` processes together, on as many machines as offer them.

    Args:
        trainings, address, bytes_held, listen, arrived: as for `train_on_ray`; memory that one process holds.
        count: processes of a training.

    Raises:
        ConfigError, ClusterError: as for `train_on_ray`; fewer processors than `count` are offered at once.
        the first error of a training or of the listener.
    """
    head, results = Head.at(address), list[Any]()
    with _connected(address, head), shared_folder() as folder:
        arrays, heard = SharedArrays(folder), _Heard(listen)
        packed = [pack(training, arrays) for training in trainings]
        while len(results) < len(packed):
            try:
                with _ranks(count, bytes_held, Lookout(head, _has_processors)) as (ranks, lookout):
                    while len(results) < len(packed):
                        heard.begin(len(results))
                        begin = [partial(rank.train.options(num_returns="streaming").remote, packed[len(results)]) for rank in ranks]
                        results.append(_results(begin, lookout, heard, lambda *_: None)[0])
                        arrived(len(results) - 1, results[-1])
            except RankLostError as error:
                heard.lost(error)
    return results


class _Heard:
    """A listener of trainings that may be begun again, `RETRIES` times in all: an epoch that was told is not told again."""

    def __init__(self, listen: EpochListener) -> None:
        self._listen, self._training, self._told, self._epochs, self._left = listen, -1, 0, 0, RETRIES

    def begin(self, training: int) -> None:
        """The training of that number begins, or begins again."""
        self._told = self._told if training == self._training else 0
        self._training, self._epochs = training, 0

    def lost(self, error: RankLostError) -> None:
        """A process was lost.

        Raises:
            ClusterError: too many were.
        """
        if not self._left:
            raise ClusterError(f"{error} Its training was begun {RETRIES + 1} times. Finished stages are kept: resume the run.") from error
        self._left -= 1

    def __call__(self, figures: EpochMetrics) -> None:
        self._epochs += 1
        if self._epochs > self._told:
            self._told = self._epochs
            self._listen(figures)


class _Rank:
    """One process of a training."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def begin(self, wanted: Mapping[str, Any], extensions: str, key: bytes) -> Address:
        """Where it can be reached."""
        _compute_alike(wanted, extensions)
        self._door = Door(ray.util.get_node_ip_address(), key)
        return self._door.address

    def join(self, rank: int, addresses: Sequence[Address]) -> None:
        """Connect with the others."""
        self._ranks = self._open.enter_context(self._door.joined(rank, addresses))

    def train(self, packed: bytes) -> Iterator[Told]:
        """The epochs, of the first process alone, and the result, likewise."""
        first = self._ranks.rank == 0
        for kind, value in streamed(partial(_train_together, self._ranks, unpack(packed))):
            if kind == "result":
                yield kind, cloudpickle.dumps(value if first else None)
            elif first:
                yield kind, value


def _train_together(ranks: Connected, training: Callable[[EpochListener], Any], listen: EpochListener) -> Any:
    def told(figures: EpochMetrics) -> None:
        ranks.agree(f"{figures.model}, epoch {figures.epoch}: loss {figures.loss!r}, AUC {figures.auc!r}")
        listen(figures)

    return as_rank(ranks, partial(training, told))


@contextmanager
def _ranks(count: int, bytes_held: int, lookout: Lookout) -> Iterator[tuple[list[Any], Lookout]]:
    """Processes that are connected; they are ended at last."""
    memory = _memory(bytes_held, lookout)
    group = placement_group([{"CPU": 1, "memory": memory}] * count, strategy="SPREAD")
    made = list[Any]()
    try:
        if not asked(partial(group.wait, NODES_GRACE_S), lookout.look):
            raise ClusterError(
                f"A training on {count} machines must have a processor and {memory / 2**20:,.0f} MiB of each at once, but the cluster "
                f"did not offer them within {NODES_GRACE_S:g} s. Start more machines, or lower `run.machines`."
            )
        place = [PlacementGroupSchedulingStrategy(group, number) for number in range(count)]
        made += [ray.remote(num_cpus=1, memory=memory, scheduling_strategy=one)(_Rank).remote() for one in place]
        own, key = asdict(own_arithmetic()), secrets.token_bytes(32)
        addresses = _got([rank.begin.remote(own, os.environ.get(VARIABLE, ""), key) for rank in made], lookout)
        _got([rank.join.remote(number, addresses) for number, rank in enumerate(made)], lookout)
        yield made, lookout
    finally:
        for rank in made:
            with suppress(Exception):
                asked_briefly(partial(ray.kill, rank))
        with suppress(Exception):
            asked_briefly(partial(remove_placement_group, group))


def _got(asked: Sequence[Any], lookout: Lookout) -> list[Any]:
    """What calls give; the first error of any ends the wait for the others, which may wait for it."""
    waiting = list(asked)
    while waiting:
        ready, waiting = ray.wait(waiting, num_returns=1, timeout=LOOK_S)
        lookout.look()
        for one in ready:
            _value(one)
    return [_value(one) for one in asked]


_watches = dict[Head, Watch]()


@contextmanager
def _connected(address: str, head: Head) -> Iterator[None]:
    """Join the cluster, once for this process, which leaves it where its head is lost between two blocks."""
    watch = _watches.setdefault(head, Watch(head, ray.shutdown, lambda found: Lookout(found, lambda: True)))
    with watch.speaking():
        if not ray.is_initialized():
            _join(address, head)
            watch.start()
        yield


def _join(address: str, head: Head) -> None:
    """Join; what ends a process on SIGTERM stays as it was."""
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


def _memory(bytes_held: int, lookout: Lookout) -> int:
    """What a training asks of a machine: what it holds, or all of the largest."""
    nodes = asked(ray.nodes, lookout.look)
    offered = [node["Resources"].get("memory", 0.0) for node in nodes if node["Alive"] and node["Resources"].get("CPU")]
    return int(min(bytes_held, max(offered, default=0.0) or bytes_held))


def _has_processors() -> bool:
    return bool((asked_briefly(ray.cluster_resources) or {}).get("CPU"))


def _results(
    begin: Sequence[Callable[[], Any]], lookout: Lookout, listen: Callable[[Any], None], arrived: Arrived, repeats: int = 0
) -> list[Any]:
    """What tasks give, each begun by its call, and again up to `repeats` times where it is lost."""
    tasks, results = _Tasks(begin, repeats), dict[int, Any]()
    with tasks.ended_by_errors():
        while tasks.running:
            ready, _ = ray.wait(list(tasks.running), num_returns=1, timeout=LOOK_S, fetch_local=False)
            lookout.look()
            for number, kind, value in filter(None, map(tasks.told, ready)):
                if kind == "result":
                    results[number] = cloudpickle.loads(value)
                    arrived(number, results[number])
                else:
                    listen(value)
    return [results[number] for number in range(len(begin))]


class _Tasks:
    """Tasks that run: their numbers, by what they yield."""

    def __init__(self, begin: Sequence[Callable[[], Any]], repeats: int) -> None:
        self._begin, self._left = begin, [repeats] * len(begin)
        self.running = {one(): number for number, one in enumerate(begin)}

    def told(self, stream: Any) -> tuple[int, str, Any] | None:
        """A task's number and what it says next; None where it was lost and begins again."""
        number = self.running[stream]
        try:
            kind, value = _next(stream)
        except _TaskLostError:
            if not self._left[number]:
                raise
            self._left[number] -= 1
            del self.running[stream]
            self.running[self._begin[number]()] = number
            return None
        if kind == "result":
            del self.running[stream]
        return number, kind, value

    @contextmanager
    def ended_by_errors(self) -> Iterator[None]:
        """End the processes of what still runs where the block raises."""
        try:
            yield
        except BaseException:
            for stream in self.running:
                with suppress(Exception):
                    ray.cancel(stream, force=True)
            raise


class _TaskLostError(ClusterError):
    """A task's process or machine is gone, and Ray does not begin it again."""


def _next(stream: Any) -> Told:
    try:
        found: Told = _value(next(stream))
    except (exceptions.RayError, StopIteration) as error:
        raise _TaskLostError(
            f"Every training must be carried out, but no machine of the Ray cluster brought one to its end ({_said(error)}); "
            f"after a loss it is begun again {RETRIES} times. Finished stages are kept: see Ray's logs, then resume the run."
        ) from error
    return found


def _value(one: Any) -> Any:
    try:
        return ray.get(one)
    except exceptions.RayTaskError as error:
        raise error.cause from None
    except exceptions.RayActorError as error:
        raise RankLostError(f"All machines of a training must stay, but one is gone ({_said(error)}).") from error


def _said(error: BaseException) -> str:
    """The first line of what Ray says, which may be pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
