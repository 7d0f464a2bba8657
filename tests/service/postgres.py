"""A PostgreSQL server of the tests' own, where the machine has its programs."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
MISSING = "PostgreSQL's initdb and pg_ctl are not on this machine: apt-get install postgresql"
NOBODY = "PostgreSQL does not run as root, and there is no user `postgres` to run it as"


def programs() -> dict[str, str] | None:
    """Paths of what starts a server; None where the machine lacks them."""
    path = os.pathsep.join([*map(str, FOLDERS), os.environ.get("PATH", "")])
    found = {name: shutil.which(name, path=path) for name in ("initdb", "pg_ctl")}
    return {name: str(place) for name, place in found.items()} if all(found.values()) else None


def reason_to_skip() -> str | None:
    """Why no server can be started here; None where one can."""
    if programs() is None:
        return MISSING
    if os.geteuid() == 0 and subprocess.run(["id", "postgres"], capture_output=True).returncode:
        return NOBODY
    return None


class PostgresServer:
    """A server on a loopback port, without durability: it lives as long as the tests do."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._programs, self._databases = folder, programs() or {}, 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "--pgdata", str(folder / "data"), "--auth=trust", "--username=tester", "--no-sync", "--encoding=UTF8")

    def start(self) -> None:
        """Start, and wait until it answers."""
        asked = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        self._run(
            "pg_ctl",
            "start",
            "--pgdata",
            str(self._folder / "data"),
            "--wait",
            "--silent",
            "--log",
            f"{self._folder}/log",
            "--options",
            asked,
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` breaks every connection."""
        self._run("pg_ctl", "stop", "--pgdata", str(self._folder / "data"), "--mode", mode, "--wait", "--silent")

    def new_database(self) -> str:
        """URL of an empty database."""
        self._databases += 1
        name = f"tests_{self._databases}"
        engine = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"create database {name}")
        engine.dispose()
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://tester@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs[program], *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{program} failed for {getpass.getuser()}: {done.stdout}")


def _fast_folder() -> str | None:
    """A folder in memory, where there is one with room: a new database is some thousand pages."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2**31 else None


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server, stopped and removed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="ihas-postgres-", dir=_fast_folder()) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
