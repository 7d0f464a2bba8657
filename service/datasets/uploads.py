"""Uploads on their way to disk, and files named by path."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from starlette.concurrency import run_in_threadpool

from ihas_service.errors import ConflictError, PathRefusedError
from ihas_service.jobs.runs import dataset_folder
from ihas_service.storage.catalogue import Upload
from ihas_service.storage.room import Room

HEAD_BYTES = 4_096
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
COMPRESSIONS = {GZIP: ".gz", ZSTD: ".zst"}


class Digest(Protocol):
    """What `hashlib` gives."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest so far."""
        ...


@dataclass(slots=True)
class Incoming:
    """A file being written.

    Attributes:
        head: its first bytes.
        size: bytes so far.
        digest: SHA-256 so far.
    """

    file: BinaryIO
    head: bytes = b""
    size: int = 0
    digest: Digest = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self.head = (self.head + chunk)[:HEAD_BYTES]
        self.size += len(chunk)
        self.digest.update(chunk)
        self.file.write(chunk)

    def finish(self) -> None:
        """Bring everything to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


@asynccontextmanager
async def received(chunks: AsyncIterator[bytes], dataset_id: str, form: str, folder: Path) -> AsyncIterator[Upload]:
    """Write a data set's file of format `form` below the service's `folder`; not whole, or the block fails: nothing is left.

    The file gets a name of its own, so that two uploads at the same time never share one, and is locked until the block
    ends, which tells it from one that a killed process left.
    """
    path = dataset_folder(folder, dataset_id) / f"upload-{secrets.token_hex(8)}.part"
    with await run_in_threadpool(_opened, path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            incoming = Incoming(file)
            async for chunk in chunks:
                await run_in_threadpool(incoming.take, chunk)
            await run_in_threadpool(incoming.finish)
            path = _renamed(path, suffix_of(incoming.head, form))
            yield Upload(path.relative_to(folder).as_posix(), incoming.size, incoming.digest.hexdigest())
        except BaseException:
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()
            raise


def _opened(path: Path) -> BinaryIO:
    """A new file, whose folder may go as often as it is made: a deletion of the data set, or another upload that fails, removes it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return path.open("wb")


def _renamed(path: Path, suffix: str) -> Path:
    try:
        return path.rename(path.with_suffix(suffix))
    except FileNotFoundError as error:
        raise ConflictError("The data set was deleted while its file arrived. Create another one.") from error


async def within(chunks: AsyncIterator[bytes], room: Room) -> AsyncIterator[bytes]:
    """The same bytes, as long as there is room for them.

    Raises:
        QuotaError: there is none for the next ones.
    """
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        room.check(size)
        yield chunk


def suffix_of(head: bytes, form: str) -> str:
    """File name's suffix: the compression by the first bytes, and for `auto` the format by the first bytes inside.

    The standard library does not unpack zstd, so that a file of no stated format is taken for CSV inside zstd.
    """
    compression = next((suffix for magic, suffix in COMPRESSIONS.items() if head.startswith(magic)), "")
    head = _unpacked(head) if head.startswith(GZIP) else head
    if form == "auto" and head.startswith(b"PAR1"):
        form = "parquet"
    elif form == "auto":
        form = "jsonl" if head.lstrip().startswith(b"{") else "csv"
    return f".{form}{compression}"


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def allowed_path(path: str, roots: Sequence[Path]) -> str:
    """The file's own path, links followed, where it lies in one of `roots`.

    Raises:
        PathRefusedError: it does not, or is no file.
    """
    if not roots:
        raise PathRefusedError("Files cannot be named by path, since IHAS_DATA_ROOTS is empty. Upload the file, or set IHAS_DATA_ROOTS.")
    if "://" in path:
        raise PathRefusedError("`path` must be the path of a file, but is a URL. Upload the file, or state `uri`; databases are not read.")
    try:
        found = Path(path).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise PathRefusedError(f"{path!r} cannot be resolved. Use the absolute path of a file.") from error
    if not any(found.is_relative_to(root.resolve()) for root in roots) or not found.is_file():
        raise PathRefusedError(f"{path!r} is not a file below IHAS_DATA_ROOTS. Move it there, or upload it.")
    return str(found)
