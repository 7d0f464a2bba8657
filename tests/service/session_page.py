"""A page of commands with their output, run against a real service: `python -m tests.service.session_page PAGE` writes the output anew."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from tests.clock import HANG_S

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
# A key of the service, an id of one of its things, and the id of a key in a table.
NAMES = re.compile(r"ihas_[\w-]+|\b(?:ds|sr|rc)_[0-9a-f]{24}\b|(?<![.\d])\b[0-9a-f]{16}\b")
WAIT_S = HANG_S


@dataclass(frozen=True)
class Step:
    """A command and what it printed."""

    command: str
    output: str


def steps_of(page: str) -> list[Step]:
    """All steps of a page, in order."""
    found: list[Step] = []
    for line in "".join(BLOCK.findall(page)).splitlines():
        if line.startswith("$ "):
            found.append(Step(line.removeprefix("$ "), ""))
        else:
            found[-1] = replace(found[-1], output=f"{found[-1].output}{line}\n")
    return found


def written(page: str, steps: list[Step]) -> str:
    """The page with the steps in place of its own."""
    rest = iter(steps)

    def block(match: re.Match[str]) -> str:
        count = sum(line.startswith("$ ") for line in match[0].splitlines())
        return "".join(f"$ {step.command}\n{step.output}" for step in (next(rest) for _ in range(count)))

    return BLOCK.sub(block, page)


class Session:
    """A shell in a folder of its own.

    Attributes:
        names: of the page, with those that this session has in their place.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._background = folder, list[subprocess.Popen[bytes]]()
        self._environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.names = {"8000": str(probe.getsockname()[1]), "~/ihas": str(ROOT)}

    def run(self, step: Step) -> Step:
        """Carry out a command of the page; as it was typed here, and what came of it."""
        command = step.command
        for name, own in self.names.items():
            command = command.replace(name, own)
        if command.startswith("export "):
            self._environment |= dict([shlex.split(command)[1].split("=", 1)])
            return Step(command, "")
        if command.endswith(" &"):
            self._begin(command.removesuffix(" &"))
            return Step(command, "")
        done = subprocess.run(["bash", "-c", command], cwd=self._folder, env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"`{command}` ended with status {done.returncode}: {done.stderr[-2_000:]}")
        self.names |= dict(zip(NAMES.findall(step.output), NAMES.findall(done.stdout), strict=False))
        return Step(command, done.stdout if done.stdout.endswith("\n") or not done.stdout else f"{done.stdout}\n")

    def end(self) -> None:
        """Stop what runs in the background."""
        for process in self._background:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(WAIT_S)

    def _begin(self, command: str) -> None:
        with (self._folder / "background.log").open("ab") as log:
            arguments = ["bash", "-c", f"exec env {command}"]
            started = subprocess.Popen(arguments, cwd=self._folder, env=self._environment, stdout=log, stderr=log, start_new_session=True)
        self._background.append(started)
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self._environment['IHAS_URL']}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise RuntimeError(f"`{command}` must answer within {WAIT_S:g} s; see {self._folder / 'background.log'}.")


@contextmanager
def session(folder: Path) -> Iterator[Session]:
    """A session whose background ends with the block."""
    begun = Session(folder)
    try:
        yield begun
    finally:
        begun.end()


def plain(output: str) -> object:
    """What must stay the same: of JSON the names and kinds of its parts, of text the words; no ids, figures, times or widths."""
    try:
        return _shape(json.loads(output))
    except ValueError:
        words = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", NAMES.sub("NAME", output))
        return re.sub(r"\s+", " ", re.sub(r"[-+]?\d[\d,]*(\.\d+)?(e-?\d+)?%?|─+", "#", words)).replace("# #", "#").strip()


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    return [_shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def main() -> None:
    """Write the output of a page's commands anew; the run's names take the place of those that the page shows, and of KEY_1, DS_1 and the
    like where a command is new."""
    page = Path(sys.argv[1])
    text, steps, seen = page.read_text(encoding="utf-8"), list[Step](), list[str]()
    with tempfile.TemporaryDirectory() as folder, session(Path(folder)) as own:
        for step in steps_of(text):
            done = own.run(step)
            steps.append(Step(step.command, done.output))
            for name in NAMES.findall(done.output):
                if name not in seen:
                    seen.append(name)
                    kind = "KEY" if name.startswith("ihas_") else "KEYID" if "_" not in name else name[:2].upper()
                    number = sum(each[:3] == name[:3] if "_" in name else "_" not in each for each in seen)
                    own.names[f"{kind}_{number}"] = name
            sys.stdout.write(f"$ {step.command}\n{done.output}")
            sys.stdout.flush()
        for shown, name in own.names.items():
            if NAMES.fullmatch(shown) or re.fullmatch(r"(KEY|KEYID|DS|SR)_\d+", shown):
                steps = [replace(step, command=re.sub(rf"\b{shown}\b", name, step.command)) for step in steps]
    page.write_text(written(text, steps), encoding="utf-8")


if __name__ == "__main__":
    main()
