"""A disk in memory that is full: what does not fit is refused with 507 and nothing is left; once there is room it is taken."""

from __future__ import annotations

import random
from pathlib import Path

from ihas_service.settings import Settings
from tests.faults.ledger import Ledger
from tests.faults.oracle import client
from tests.faults.processes import Api, new_folder
from tests.small_disk import SIZE, SmallDisk, reason_to_skip, small_disk

UPLOADS, DATABASE = "uploads to a full disk", "writes of a database on a full disk"
PAGE = 4_096


def fill_disk(root: Path, each: int, seed: int, ledger: Ledger) -> None:
    """`each` uploads, and `each` writes, on a disk without room; left out where no disk can be mounted."""
    folder, draw = new_folder(root, "disk"), random.Random(seed)
    reason = reason_to_skip(folder / "probe")
    if reason is not None:
        ledger.left_out |= {UPLOADS: reason, DATABASE: reason}
        return
    with small_disk(folder / "uploads") as disk:
        _uploads(disk, folder, each, draw, ledger)
    with small_disk(folder / "database") as disk:
        _writes(disk, folder, each, ledger)


def _uploads(disk: SmallDisk, folder: Path, each: int, draw: random.Random, ledger: Ledger) -> None:
    settings = Settings(folder=disk.folder / "runs", database_url=f"sqlite:///{folder / 'jobs.db'}")
    api = Api(settings, folder / "api.log")
    try:
        with client(api.url) as http:
            for _ in range(each):
                ledger.add(UPLOADS, tries=1)
                content = b"click,user\n" + b"0,ada\n" * draw.randint(SIZE // 60, SIZE // 20)
                dataset = http.post("/v1/datasets", json={"name": "clicks"}).json()["id"]
                path = f"/v1/datasets/{dataset}/content"
                disk.fill(but=draw.randint(0, len(content) // 2) // PAGE * PAGE)
                refused = http.put(path, content=content)
                left, state = list(settings.folder.rglob("upload-*")), http.get(f"/v1/datasets/{dataset}").json()["state"]
                disk.free()
                again = http.put(path, content=content)
                if (refused.status_code, left, state) != (507, [], "uploading"):
                    ledger.wrong(UPLOADS, "differ", f"{refused.status_code}, {left}, {state}: {refused.text[:200]}")
                if again.status_code != 202 or again.json()["size"] != len(content):
                    ledger.wrong(UPLOADS, "lost", f"{again.status_code} once there was room: {again.text[:200]}")
                for file in settings.folder.rglob("upload-*"):
                    file.unlink()
    finally:
        api.end()


def _writes(disk: SmallDisk, folder: Path, each: int, ledger: Ledger) -> None:
    settings = Settings(folder=disk.folder / "runs")
    api = Api(settings, folder / "database.log")
    try:
        with client(api.url) as http:
            kept = [http.post("/v1/datasets", json={"name": "first"}).json()["id"]]
            disk.fill()
            for number in range(each):
                ledger.add(DATABASE, tries=1)
                response = http.post("/v1/datasets", json={"name": f"{number}" * 60})
                if response.is_success:
                    kept.append(response.json()["id"])
                elif response.status_code != 507:
                    ledger.wrong(DATABASE, "fives", f"{response.status_code}: {response.text[:200]}")
            disk.free()
            kept.append(http.post("/v1/datasets", json={"name": "last"}).json()["id"])
            found = [one["id"] for one in http.get("/v1/datasets", params={"limit": 200}).json()["datasets"]]
        if lost := set(kept) - set(found):
            ledger.wrong(DATABASE, "lost", f"{lost} were kept and are gone")
        if len(found) != len(kept):
            ledger.wrong(DATABASE, "doubled", f"{len(found)} data sets of {len(kept)} that were kept")
    finally:
        api.end()
