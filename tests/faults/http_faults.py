"""Attacks on `ihas serve`, which asks for keys: each is answered below 500 or cut off, and right requests are answered as before."""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress
from pathlib import Path

from ihas_service.auth.scopes import EVERYTHING
from ihas_service.auth.tokens import new_key
from ihas_service.benchmark_server import register
from ihas_service.settings import Settings
from ihas_service.storage.keys import Keys
from ihas_service.storage.sql_store import SqlStore
from tests.faults.attacks import Attack, kinds
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle, client
from tests.faults.processes import Api, Hangs, new_folder

ANSWER_S = 60.0
SILENT = "silent and dripping connections"
MAX_ANSWER = 256 * 2**10
"""Bytes that no refusal needs."""


def attack(root: Path, bundle: Path, database: str | None, each: int, seed: int, ledger: Ledger) -> None:
    """`each` attacks of every kind on a service of its own, on a database of its own.

    Args:
        root: takes the service's folder and log.
        bundle: of the model that answers.
        database: URL of an empty database; None for SQLite.
        each: attacks of a kind.
        seed: of what is sent.
        ledger: takes the counts.
    """
    folder = new_folder(root, "http")
    settings = Settings(
        folder=folder / "runs", database_url=database, access="keys", header_timeout_s=2.0, body_timeout_s=2.0, max_connections=64
    )
    register(settings, bundle)
    key = _new_key(settings)
    api = Api(settings, folder / "api.log")
    try:
        with client(api.url, {"authorization": f"Bearer {key}"}) as http:
            dataset = http.post("/v1/datasets", json={"name": "cut off"}).json()["id"]
            oracle = Oracle(bundle, seed)
            for number, (kind, make) in enumerate(kinds(f"/v1/datasets/{dataset}/content".encode()).items()):
                draw = random.Random(f"{seed}-{number}")
                for _ in range(each):
                    _try(api, make(draw, key.encode()), kind, ledger)
                    oracle.ask(http, kind, ledger)
            for _ in range(max(1, each // 4)):
                _silence(api, random.Random(seed), ledger)
                oracle.ask(http, SILENT, ledger)
            if http.get(f"/v1/datasets/{dataset}").json()["state"] != "uploading":
                ledger.wrong("requests and uploads cut off", "differ", "an upload that was cut off was taken for whole")
            if left := [path.name for path in settings.folder.rglob("upload-*")]:
                ledger.wrong("requests and uploads cut off", "differ", f"files are left: {left}")
    finally:
        api.end()


def _new_key(settings: Settings) -> str:
    text, key = new_key("local", "faults", EVERYTHING, None)
    store = SqlStore(settings.url)
    Keys(store).add(key)
    store.close()
    return text


def _try(api: Api, one: Attack, kind: str, ledger: Ledger) -> None:
    """Send it; a 5xx, an endless or a large answer is wrong."""
    ledger.add(kind, tries=1)
    with socket.create_connection(("127.0.0.1", api.port), ANSWER_S) as sock:
        with suppress(ConnectionError):
            sock.sendall(one.sent)
        if one.leaves:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        answer = _answer(sock)
    status = int(answer[9:12]) if answer[:5] == b"HTTP/" and answer[9:12].isdigit() else 0
    if status >= 500:
        ledger.wrong(kind, "fives", f"{answer[:300]!r} to {one.sent[:300]!r}")
    elif status != 200 and len(answer) > MAX_ANSWER:
        ledger.wrong(kind, "differ", f"{len(answer):,} bytes to {one.sent[:300]!r}")
    if api.ended:
        raise Hangs(f"the service ended on {one.sent[:300]!r}")


def _answer(sock: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError, TimeoutError):
        while len(received) < 4 * MAX_ANSWER and (part := sock.recv(65_536)):
            received += part
    return received


def _silence(api: Api, draw: random.Random, ledger: Ledger) -> None:
    """More connections than there may be, which say nothing, or a letter; others are answered meanwhile."""
    ledger.add(SILENT, tries=1)
    sockets = []
    with suppress(OSError):
        for _ in range(100):
            sockets.append(socket.create_connection(("127.0.0.1", api.port), ANSWER_S))
            if draw.random() < 0.5:
                sockets[-1].sendall(b"GET /livez HTTP/1.1\r\nHo"[: draw.randint(1, 20)])
    with client(api.url) as http:
        status = http.get("/livez").status_code
    if status != 200:
        ledger.wrong(SILENT, "fives", f"/livez said {status} while others were silent")
    for one in sockets:
        one.close()
