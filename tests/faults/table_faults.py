"""Files that break readers, and checks that are killed: one attempt each, told as invalid data, and the worker goes on."""

from __future__ import annotations

import gzip
import os
import random
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.catalogue import DatasetState, NewDataset
from ihas_service.storage.sql_store import SqlStore
from tests.faults.ledger import Ledger
from tests.faults.processes import Process, eventually, new_folder, worker
from tests.ihas.data.tables import write_bomb

ODD, KILLED = "files that break readers", "SIGKILL of a check"
ROW = b"1,ada\n0,bob\n"


def _deep(opening: str, closing: str) -> bytes:
    return ('{"click": 0, "a": 1}\n{"click": 1, "a": ' + opening * 100_000 + closing * 100_000 + "}\n").encode()


def _bomb(kind: str) -> Callable[[Path], object]:
    return lambda path: write_bomb(path, 20_000, kind)


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


FILES: Mapping[str, Callable[[Path], object]] = {
    "brackets.jsonl": _bytes(_deep("[", "]")),
    "braces.jsonl": _bytes(_deep('{"a":', "}") + b"{"),
    "open.jsonl": _bytes(_deep("[", "")),
    "surrogates.jsonl": _bytes(b'{"click": 1, "a": "\\ud800"}\n'),
    "list.parquet": _bomb("list"),
    "binary.parquet": _bomb("binary"),
    "cut.parquet": _bytes(b"PAR1" + bytes(1_000) + b"\xff\xff\xff\x7fPAR1"),
    "bomb.csv.gz": lambda path: path.write_bytes(gzip.compress(b"click,user\n" + ROW * 200_000_00)),
    "cut.csv.gz": lambda path: path.write_bytes(gzip.compress(b"click,user\n" + ROW * 1_000)[:-20]),
    "cut.csv.zst": _bytes(b"\x28\xb5\x2f\xfd" + bytes(100)),
    "nul.csv": _bytes(b"click,user\n1,a\x00b\n0,b\n"),
    "quote.csv": _bytes(b'click,user\n1,"ada\n' + ROW * 1_000),
    "latin.csv": _bytes("click,user\n1,é\n".encode("latin-1")),
    "header.csv": _bytes(b"click,user\n"),
    "empty.csv": _bytes(b""),
    "wide.csv": _bytes(b"click,user\n1," + b"x," * 100_000 + b"\n"),
    "zip.csv": _bytes(b"PK\x03\x04" + bytes(500)),
    "label.csv": _bytes(b"click,user\n7,a\nx,b\n"),
}


def read_odd_files(root: Path, kills: int, seed: int, ledger: Ledger) -> None:
    """Every file above, and `kills` checks that are killed, on a real worker with real children."""
    folder = new_folder(root, "tables")
    settings = Settings(
        folder=folder / "runs", data_roots=(folder,), poll_s=0.05, max_expanded_bytes=2 * 10**8, heartbeat_s=0.5, lease_s=60.0
    )
    settings.folder.mkdir()
    store, draw = SqlStore(settings.url), random.Random(seed)
    process = worker(settings, folder / "worker.log")
    try:
        for name, write in FILES.items():
            write(folder / name)
            _check(store, folder / name, ODD, ledger)
        large = folder / "large.csv"
        large.write_bytes(b"click,user\n" + b"".join(b"%d,user-%d\n" % (row % 2, row) for row in range(1_000_000)))
        for _ in range(kills):
            _check(store, large, KILLED, ledger, lambda: _kill(process, draw))
        (folder / "right.csv").write_bytes(b"click,user\n" + ROW * 100)
        last = store.add_dataset(NewDataset("right", {"columns": {"label": "click"}}, path=str(folder / "right.csv"))).id
        eventually(lambda: store.dataset(last).state is not DatasetState.VALIDATING, "the check of a right file")
        if store.dataset(last).state is not DatasetState.VALID:
            ledger.wrong(ODD, "differ", f"a right file after them is {store.dataset(last).state}")
    finally:
        process.end()
        store.close()


def _check(store: SqlStore, path: Path, kind: str, ledger: Ledger, disturb: Callable[[], object] = lambda: None) -> None:
    ledger.add(kind, tries=1, jobs=1)
    dataset_id = store.add_dataset(NewDataset(path.name, {"columns": {"label": "click"}}, path=str(path))).id
    disturb()
    eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING, f"the check of {path.name}")
    dataset = store.dataset(dataset_id)
    job, code = store.job(str(dataset.job_id)), (dataset.error or {}).get("code")
    if (dataset.state, job.state, job.attempt, code) != (DatasetState.INVALID, JobState.FAILED, 1, "data"):
        ledger.wrong(kind, "differ", f"{path.name} is {dataset.state} after attempt {job.attempt}: {dataset.error}")


def _kill(process: Process, draw: random.Random) -> None:
    """SIGKILL of the check that runs, once it reads."""
    child = eventually(lambda: next(iter(psutil.Process(process.pid).children()), None), "the start of a check")
    with suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
        child.wait(draw.uniform(0.0, 0.5))
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
