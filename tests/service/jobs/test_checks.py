"""What a check of a data set notes, and what it is held to: the real commands."""

from __future__ import annotations

import hashlib
import signal
import sys
from pathlib import Path

import pytest

from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.catalogue import DatasetState, NewDataset
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.data.tables import write_bomb
from tests.service.conftest import RunningWorker, eventually, finished

pytestmark = pytest.mark.full


def test_a_file_named_by_path_is_the_one_that_was_checked(store: SqlStore, settings: Settings, table: str) -> None:
    """The real commands: the check notes the digest; a file that changed after it fails the search, which names both digests."""
    Path(table).write_text("click,user\n" + "".join(f"{row % 2},user-{row % 9}\n" for row in range(200)))
    checked = hashlib.sha256(Path(table).read_bytes()).hexdigest()
    dataset_id = store.add_dataset(NewDataset("clicks", {"columns": {"label": "click"}}, path=table)).id
    with RunningWorker(settings, PIPELINES):
        eventually(lambda: store.dataset(dataset_id).state is DatasetState.VALID)
        with Path(table).open("a") as file:
            file.write("1,eve\n")
        done = finished(store, store.submit(NewJob(SEARCH, "films", dataset_id, {"learning": {}, "run": {}})).id)

    changed = hashlib.sha256(Path(table).read_bytes()).hexdigest()
    assert store.dataset(dataset_id).sha256 == checked
    assert done.error is not None
    assert (done.state, done.error["code"]) == (JobState.FAILED, "data")
    assert f"of SHA-256 {checked}, but has {changed}" in done.error["detail"]


def test_a_check_that_takes_too_long_says_which_limit_it_met(store: SqlStore, settings: Settings, table: str) -> None:
    """The real `python -m ihas_pipelines inspect`, held to one second of the processor, on 2,000,000 rows: invalid at the first try."""
    Path(table).write_text("click,user\n" + "".join(f"{row % 2},user-{row}\n" for row in range(2_000_000)))
    dataset_id = store.add_dataset(NewDataset("clicks", {"columns": {"label": "click"}}, path=table)).id
    with RunningWorker(settings.model_copy(update={"check_cpu_s": 1}), PIPELINES):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.error is not None
    assert (dataset.state, dataset.error["code"]) == (DatasetState.INVALID, "data")
    assert "raise IHAS_CHECK_CPU_S" in dataset.error["detail"]


def test_a_check_that_needs_too_much_memory_says_which_limit_it_met(store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """The real `python -m ihas_pipelines inspect`, held to 300 MiB, on 400,000 documents that take 600: invalid at the first try."""
    table = tmp_path / "clicks.jsonl"
    table.write_text("".join(f'{{"click": {row % 2}, "user": "user-{row:0100}"}}\n' for row in range(400_000)))
    dataset_id = store.add_dataset(NewDataset("clicks", {"columns": {"label": "click"}}, path=str(table))).id
    with RunningWorker(settings.model_copy(update={"check_memory_bytes": 300 * 2**20}), PIPELINES):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.error is not None
    assert (dataset.state, dataset.error["code"]) == (DatasetState.INVALID, "data")
    assert "raise IHAS_CHECK_MEMORY_BYTES" in dataset.error["detail"]


@pytest.mark.parametrize(
    "rows", ['{"click":0,"a":%s}\n' % ("[" * 100_000 + "]" * 100_000), '{"click":0,"a":1}\n{"click":1,"a":%s}\n' % ("[" * 100_000)]
)
def test_a_file_that_breaks_its_reader_is_invalid_at_the_first_try(store: SqlStore, settings: Settings, tmp_path: Path, rows: str) -> None:
    """200 KB of nested brackets end the process by a signal, or its parser by an error: neither is tried again."""
    table = tmp_path / "nested.jsonl"
    table.write_text(rows)
    dataset_id = store.add_dataset(NewDataset("nested", {"columns": {"label": "click"}}, path=str(table))).id
    with RunningWorker(settings, PIPELINES):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.error is not None
    assert (dataset.state, dataset.error["code"]) == (DatasetState.INVALID, "data")
    assert "nested too deeply" in dataset.error["detail"]
    assert dataset.error["findings"][0]["row"] == rows.count("\n", 0, -1) + 1
    assert [event.attempt for event in store.events(str(dataset.job_id), 0, 100)][-1] == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS])
def test_a_check_that_is_killed_is_not_tried_again(store: SqlStore, settings: Settings, table: str, number: signal.Signals) -> None:
    """As the system does where memory runs out, or as a reader does that breaks: invalid data after one attempt."""
    dataset_id = store.add_dataset(NewDataset("clicks", {}, path=table)).id
    with RunningWorker(settings, (sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})")):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.error is not None
    assert (dataset.state, dataset.error["code"]) == (DatasetState.INVALID, "data")
    assert number.name in dataset.error["detail"]
    assert store.job(str(dataset.job_id)).attempt == 1


def test_a_small_file_that_decodes_to_much_is_refused_before_it_is_decoded(store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """A Parquet file of some kilobytes whose lists name one long text 20,000 times: the limit on unpacked bytes holds for it too."""
    table = tmp_path / "bomb.parquet"
    write_bomb(table, 20_000)
    dataset_id = store.add_dataset(NewDataset("bomb", {"columns": {"label": "click"}}, path=str(table))).id
    with RunningWorker(settings.model_copy(update={"max_expanded_bytes": 10**9}), PIPELINES):
        eventually(lambda: store.dataset(dataset_id).state is not DatasetState.VALIDATING)
    dataset = store.dataset(dataset_id)

    assert dataset.error is not None
    assert (dataset.state, dataset.error["findings"][0]["code"]) == (DatasetState.INVALID, "too_large_unpacked")
    assert store.job(str(dataset.job_id)).attempt == 1


@pytest.mark.slow
def test_a_file_that_was_exchanged_for_a_link_is_not_read(store: SqlStore, settings: Settings, table: str, tmp_path: Path) -> None:
    """Neither by the check nor, once it was checked, by a search: nobody learns of a file that they may not name."""
    Path(table).write_text("click,user\n" + "".join(f"{row % 2},user-{row % 9}\n" for row in range(200)))
    secret = tmp_path / "secret.csv"
    secret.write_bytes(Path(table).read_bytes())
    first, second = (store.add_dataset(NewDataset(name, {"columns": {"label": "click"}}, path=table)).id for name in ("a", "b"))
    with RunningWorker(settings, PIPELINES):
        eventually(lambda: store.dataset(second).state is DatasetState.VALID)
        Path(table).unlink()
        Path(table).symlink_to(secret)
        done = finished(store, store.submit(NewJob(SEARCH, "films", first, {"learning": {}, "run": {}})).id)
        third = store.add_dataset(NewDataset("c", {"columns": {"label": "click"}}, path=table)).id
        eventually(lambda: store.dataset(third).state is not DatasetState.VALIDATING)

    for error in (done.error, store.dataset(third).error):
        assert error is not None
        assert error["code"] == "data"
        assert "a link is there now" in error["detail"]
