"""A run folder holds complete stages only, and one process at a time."""

from __future__ import annotations

import fcntl

import pytest

import ihas_pipelines.runs.folder
from ihas.errors import ConfigError, FolderBusyError
from ihas.results.run_result import Interval
from ihas.routing.grouping import PartGroups
from ihas_pipelines.runs.child import error_document
from ihas_pipelines.runs.folder import RunFolder, read_kept, stage_key

pytestmark = pytest.mark.tf


def _groups() -> PartGroups:
    import numpy as np

    return PartGroups(*(np.arange(n, dtype=np.int32) for n in (3, 2, 1)))


def test_a_complete_stage_is_read_and_not_computed_again(tmp_path):
    """The second call never asks for the computation."""
    folder = RunFolder(tmp_path)
    first = folder.stage("cluster", "ab" * 32, _groups)

    def forbidden() -> PartGroups:
        raise AssertionError("computed again")

    again = RunFolder(tmp_path)
    second = again.stage("cluster", "ab" * 32, forbidden)

    assert second.train.tolist() == first.train.tolist()
    assert again.seconds.keys() == {"cluster"}


def test_a_stage_that_fails_leaves_nothing_that_looks_complete(tmp_path):
    """After an error in the middle the stage is computed again."""

    def failing() -> PartGroups:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        RunFolder(tmp_path).stage("cluster", "ab" * 32, failing)

    assert RunFolder(tmp_path).stage("cluster", "ab" * 32, _groups).valid.tolist() == [0, 1]


def test_another_setting_is_another_stage(tmp_path):
    """Keys differ by name, by what came before and by settings; equal inputs give equal keys."""
    keys = [stage_key("a", "x", {"k": 1}), stage_key("b", "x", {"k": 1}), stage_key("a", "y", {"k": 1}), stage_key("a", "x", {"k": 2})]

    assert len(set(keys)) == 4
    assert stage_key("a", "x", {"k": 1, "j": 2}) == stage_key("a", "x", {"j": 2, "k": 1})


def test_a_second_process_waits_and_then_says_who_is_in_the_way(tmp_path, monkeypatch):
    """While another holds the lock, the run is refused after the waiting time, naming the folder."""
    monkeypatch.setattr(ihas_pipelines.runs.folder, "LOCK_WAIT_S", 0.3)
    with (tmp_path / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(FolderBusyError, match="held by another") as caught, RunFolder(tmp_path).locked():
            pass
    assert error_document(caught.value)["code"] == "busy"


def test_a_document_of_another_form_is_refused(tmp_path):
    """What an earlier call wrote is read; where its form is not known any more, the error says to name another folder."""
    path = tmp_path / "interval.json"
    path.write_text('{"difference": 1.0, "low": 0.5, "high": 1.5}')
    assert read_kept(path, Interval).high == 1.5
    path.write_text('{"difference": 1.0}')
    with pytest.raises(ConfigError, match="another version's form"):
        read_kept(path, Interval)
