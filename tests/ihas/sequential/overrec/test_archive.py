"""OverRec as a folder of data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle
from ihas.bundle.manifest import bundle_kind
from ihas.config.overrec import OverRecConfig
from ihas.errors import BundleCorruptError, BundleError, BundleVersionError
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.data.stored import GoldenHistories
from ihas.sequential.overrec.archive import OverRecBundle, checked_model, read_overrec, write_overrec

DATA = UserSequences(("ada", "bob", "eve"), ("a", "b", "c", "d"), Sequences.of([[0, 1, 2], [3, 1, 2, 0], [2]]))


def _bundle(**settings: Any) -> OverRecBundle:
    return OverRecBundle.of("walks", DATA, OverRecConfig(**settings), {"found": 1})


def _with_offsets(offsets: list[Any]) -> UserSequences:
    return dataclasses.replace(DATA, sequences=Sequences(np.array(offsets), DATA.sequences.items))


@pytest.mark.parametrize("score", ["sum", "assign", "krr"])
def test_comes_back_as_it_was_written(tmp_path: Path, score: str) -> None:
    """Names, sequences, settings, golden histories and summary survive, and the model answers as before."""
    bundle = _bundle(score=score)
    write_overrec(bundle, tmp_path / "bundle")
    found = read_overrec(tmp_path / "bundle")
    assert (found.name, found.config, found.summary, found.data.users, found.data.items) == (
        "walks",
        bundle.config,
        {"found": 1},
        DATA.users,
        DATA.items,
    )
    asked = Sequences.of([[0, 1], [3], []])
    np.testing.assert_array_equal(checked_model(found).probabilities(asked), bundle.model().probabilities(asked))


def test_equal_bundles_have_equal_bytes(tmp_path: Path) -> None:
    """Nothing of the moment or the machine gets into the folder."""
    for name in ("one", "two"):
        write_overrec(_bundle(), tmp_path / name)
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")]
    assert files[0] == files[1]
    assert {Path(name).suffix for name in files[0]} == {".json", ".safetensors", ".sha256"}


def test_says_its_kind(tmp_path: Path) -> None:
    """The manifest says `overrec`, and the reader of grouped bundles refuses it by name."""
    write_overrec(_bundle(), tmp_path / "bundle")
    assert bundle_kind(tmp_path / "bundle") == "overrec"
    with pytest.raises(BundleVersionError, match="'grouped', but got 'overrec'"):
        read_bundle(tmp_path / "bundle")


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    """One byte of the sequences differs from the manifest's checksum."""
    write_overrec(_bundle(), tmp_path / "bundle")
    path = tmp_path / "bundle" / "sequences.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BundleCorruptError, match=r"sequences\.safetensors"):
        read_overrec(tmp_path / "bundle")


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"data": dataclasses.replace(DATA, users=("ada", "ada", "eve"))}, "different names"),
        ({"data": dataclasses.replace(DATA, users=("ada", "bob"))}, "a sequence for each of 2 users"),
        ({"data": dataclasses.replace(DATA, items=("a", "b"))}, "must lie in 0 .. 1, but are 0 .. 3"),
        ({"data": dataclasses.replace(DATA, sequences=Sequences(np.array([0, 3, 2, 8]), DATA.sequences.items))}, "must rise from 0 to 8"),
        (
            {"data": dataclasses.replace(DATA, sequences=Sequences(np.array([0.0, 3, 7, 8]), DATA.sequences.items))},
            "must have int64 offsets",
        ),
        ({"golden": GoldenHistories(Sequences.of([[0]]), np.array([9], np.int32), np.array([0.5]))}, "golden items must be items"),
        ({"golden": GoldenHistories(Sequences.of([[0]]), np.array([], np.int32), np.array([0.5]))}, "each have an item"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], law: str) -> None:
    """A folder whose checksums are right may still hold nonsense."""
    write_overrec(dataclasses.replace(_bundle(), **change), tmp_path / "bundle")
    with pytest.raises(BundleCorruptError, match=law):
        read_overrec(tmp_path / "bundle")


def test_other_answers_are_refused() -> None:
    """A bundle whose golden histories are answered differently does not serve."""
    bundle = _bundle()
    wrong = dataclasses.replace(bundle.golden, probabilities=bundle.golden.probabilities * 1.001)
    with pytest.raises(BundleCorruptError, match="3 of 3 are not; history 0"):
        checked_model(dataclasses.replace(bundle, golden=wrong))


def test_sequences_that_cannot_vote_are_refused() -> None:
    """A bundle of single items is told apart from one that is damaged."""
    single = UserSequences(("ada",), ("a",), Sequences.of([[0]]))
    with pytest.raises(BundleCorruptError, match="cannot vote: A sequence must have 2 items"):
        checked_model(dataclasses.replace(_bundle(), data=single))


def test_does_not_write_over_a_folder(tmp_path: Path) -> None:
    """An existing folder is left alone."""
    with pytest.raises(BundleError, match="new folder"):
        write_overrec(_bundle(), tmp_path)
    with pytest.raises(BundleError, match="there is none"):
        read_overrec(tmp_path / "nowhere")
