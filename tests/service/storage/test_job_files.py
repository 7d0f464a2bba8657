"""Files of jobs in a store that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ihas_service.errors import StoreError
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.job_files import JobFiles
from tests.service.s3 import s3_server

pytestmark = pytest.mark.full

STORE = "s3://bundles/ihas"
SHOWN = ("result.json", "log.txt", "plots/*")
FILES = {"result.json": b"{}", "log.txt": b"epoch 1\n", "plots/auc.json": b"[1]", "plots/plotly.js": b"draw()", "stages/weights": b"own"}


@pytest.fixture(scope="module", autouse=True)
def _store() -> Iterator[None]:
    with s3_server("bundles"):
        yield


def _left(folder: Path, search: str) -> Path:
    """A search's folder with files."""
    for name, content in FILES.items():
        (path := folder / "searches" / search / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "searches" / search


def test_what_is_shown_of_a_job_is_read_in_another_folder(tmp_path: Path) -> None:
    """Each file byte by byte, their names, and nothing of what is the run's own."""
    JobFiles(tmp_path / "worker", STORE).show(_left(tmp_path / "worker", "sr_1"), SHOWN)
    files, folder = JobFiles(tmp_path / "api", STORE), tmp_path / "api" / "searches" / "sr_1"

    for name, content in FILES.items():
        if not name.startswith("stages"):
            assert files.shown(folder / name).read_bytes() == content
    assert files.names(folder / "plots") == ["auc.json", "plotly.js"]
    assert not files.shown(folder / "stages" / "weights").exists()
    assert not folder.exists()


def test_a_job_that_was_resumed_shows_its_new_files(tmp_path: Path) -> None:
    """What was fetched before does not stay."""
    worker, api = JobFiles(tmp_path / "worker", STORE), JobFiles(tmp_path / "api", STORE)
    worker.show(left := _left(tmp_path / "worker", "sr_2"), SHOWN)
    assert api.shown(tmp_path / "api/searches/sr_2/log.txt").read_bytes() == b"epoch 1\n"
    (left / "log.txt").write_bytes(b"epoch 1\nepoch 2\n")
    worker.show(left, SHOWN)

    assert api.shown(tmp_path / "api/searches/sr_2/log.txt").read_bytes() == b"epoch 1\nepoch 2\n"


def test_files_in_the_own_folder_are_taken_from_there(tmp_path: Path) -> None:
    """Without a look at the store, whatever it has."""
    files = JobFiles(tmp_path, STORE)
    files.show(left := _left(tmp_path, "sr_3"), SHOWN)
    (left / "log.txt").write_bytes(b"here")

    assert files.shown(left / "log.txt") == left / "log.txt"
    assert files.names(left / "plots") == ["auc.json", "plotly.js"]


def test_links_are_not_brought(tmp_path: Path) -> None:
    """One could lead to a secret."""
    (tmp_path / "secret").write_bytes(b"secret")
    left = _left(tmp_path / "worker", "sr_4")
    (left / "log.txt").unlink()
    (left / "log.txt").symlink_to(tmp_path / "secret")
    JobFiles(tmp_path / "worker", STORE).show(left, SHOWN)

    assert not JobFiles(tmp_path / "api", STORE).shown(tmp_path / "api/searches/sr_4/log.txt").exists()


def test_what_was_deleted_is_shown_no_more(tmp_path: Path) -> None:
    """Files of searches, estimates and batches go from the store with the job."""
    worker = JobFiles(tmp_path / "worker", STORE)
    for path in ("searches/sr_5", "estimates/es_5", "jobs/batch/ba_5"):
        folder = tmp_path / "worker" / path
        folder.mkdir(parents=True)
        (folder / "log.txt").write_bytes(b"1")
        worker.show(folder, SHOWN)
        assert JobFiles(tmp_path / "api", STORE).shown(tmp_path / "api" / path / "log.txt").is_file()
        Artefacts(tmp_path / "api", STORE).remove_there(path)
        Artefacts(tmp_path / "api", STORE).remove_here(path)
        assert not JobFiles(tmp_path / "api", STORE).shown(tmp_path / "api" / path / "log.txt").exists()


def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    """By its own error, which the API answers with 503."""
    files = JobFiles(tmp_path, "file:///proc/nothing")
    with pytest.raises(StoreError, match="took no files"):
        files.show(_left(tmp_path, "sr_6"), SHOWN)


def test_without_a_store_nothing_is_brought(tmp_path: Path) -> None:
    """Folders are shared then, and a file that is not there is not."""
    files = JobFiles(tmp_path)
    files.show(left := _left(tmp_path, "sr_7"), SHOWN)

    assert files.shown(left / "log.txt") == left / "log.txt"
    assert files.names(left / "nothing") == []
