"""The run folder: each stage's output under a key of everything it came from, complete or absent.

    key = sha256(format, stage's name, key of the stage before, the stage's settings)

A stage writes into a temporary folder, which is synced and renamed; a run that is started again finds complete
stages and computes the rest. Two processes never work on one folder: the second waits for the first one's lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from ihas.data.mapped import scratch_in
from ihas.errors import ConfigError, FolderBusyError
from ihas.folders import new_folder, write_whole
from ihas_pipelines.runs.values import read_value, write_value

FORMAT = 1
Kept = TypeVar("Kept", bound=BaseModel)
LOCK_WAIT_S = 60.0
STAGES_FILE = "stages.json"
"""Names the folders of the stages that a finished run came from: a folder that several recipes were carried out on holds more."""


@dataclass
class RunFolder:
    """Files of one run.

    Attributes:
        path: the folder.
        seconds: wall time that each stage read or computed so far took when it was computed.
        places: folder names of these stages.
    """

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def stage(self, name: str, key: str, compute: Callable[[], Any]) -> Any:
        """The stage's value: read where it is complete, else computed and written."""
        return self.stage_folder(name, key, lambda folder: write_value(compute(), folder), read_value)

    def has_stage(self, name: str, key: str) -> bool:
        """Whether the stage is complete."""
        return self._stage_path(name, key).exists()

    def _stage_path(self, name: str, key: str) -> Path:
        return self.path / "stages" / f"{re.sub('[^a-z0-9]+', '-', name)}-{key[:16]}"

    def stage_folder(self, name: str, key: str, write: Callable[[Path], None], read: Callable[[Path], Any]) -> Any:
        """The same for a stage that reads and writes its own files."""
        folder = self._stage_path(name, key)
        if not folder.exists():
            with new_folder(folder) as partial:
                started = time.monotonic()
                write(partial)
                (partial / "seconds.json").write_bytes(orjson.dumps(round(time.monotonic() - started, 3)))
        self.seconds[name], self.places[name] = orjson.loads((folder / "seconds.json").read_bytes()), folder.name
        return read(folder)

    def name_stages(self) -> None:
        """Write down which stages the run came from, now that it is finished."""
        write_whole(self.path / STAGES_FILE, orjson.dumps(self.places, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other processes; arrays larger than memory lie on its disk meanwhile.

        Raises:
            FolderBusyError: another process kept it for longer than `LOCK_WAIT_S`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as handle:
            _lock(handle.fileno(), self.path)
            with scratch_in(self.path):
                yield


def replace_bundle(folder: Path, write: Callable[[Path], None]) -> None:
    """Write `folder/bundle` anew: `write` fills a folder beside it, which then takes its place."""
    replace_folder(folder / "bundle", write)


def replace_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a folder anew: `write` fills a folder beside it, which then takes its place."""
    fresh = folder.with_name(f"{folder.name}.next")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        write(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def stage_key(name: str, before: str, settings: Any) -> str:
    """Key of a stage: `settings` holds JSON values only."""
    return value_digest([FORMAT, name, before, settings])


def value_digest(value: Any) -> str:
    """sha256 of JSON values, whatever the order of their names."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                message = f"One process at a time may work on a run folder, but {path} is held by another. Wait for it or stop it."
                raise FolderBusyError(message) from None
            time.sleep(0.2)


def read_kept(path: Path, form: type[Kept]) -> Kept:
    """A document that an earlier call wrote.

    Raises:
        ConfigError: it has another version's form.
    """
    try:
        return form.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigError(f"{path} has another version's form: {error.errors()[0]['msg']}. Name another folder.") from error
