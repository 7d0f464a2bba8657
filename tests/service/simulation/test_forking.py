"""Children that are forked from a process that has TensorFlow say, write and return what `python -m ihas_pipelines` does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas_service.jobs.child import Child
from ihas_service.jobs.runs import PIPELINES
from ihas_service.simulation.forking import forked_children
from tests.ihas.bundle_factory import small_bundle
from tests.service.conftest import damage

pytestmark = [pytest.mark.full, pytest.mark.slow]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[str]]:
    """Start of the command line of such a child."""
    with forked_children(tmp_path_factory.mktemp("c") / "s") as command:
        yield command


def _carried_out(command: Sequence[str], log: Path, *words: str) -> tuple[int, list[str], str]:
    """Exit code, lines and messages of a child as a worker starts it."""
    child = Child([*command, *words], log)
    lines, code = list(child.lines()), child.wait()
    child.close()
    return code, lines, child.log_tail()


def test_a_child_ends_as_it_would_have_ended(command: Sequence[str], tmp_path: Path) -> None:
    """A bundle that can be loaded, one that is damaged, and words that mean nothing."""
    for name in ("good", "bad"):
        write_bundle(small_bundle(), tmp_path / name)
    damage(tmp_path / "bad")
    asked = [["load", "--bundle", str(tmp_path / name)] for name in ("good", "bad")] + [["load", "--bandle", "x"]]
    found, wanted = (
        [_carried_out(one, tmp_path / f"{number}-{len(one)}.txt", *words) for number, words in enumerate(asked)]
        for one in (command, PIPELINES)
    )

    assert found == wanted
    assert [code == 0 for code, _, _ in found] == [True, False, False]
    assert json.loads(found[0][1][-1])["outcome"] == "succeeded"
