"""Which files may be read, and what their first bytes say."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas_service.datasets.uploads import HEAD_BYTES, allowed_path, suffix_of
from ihas_service.errors import PathRefusedError


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, ...]:
    """A folder that may be read, with a file, beside a secret."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "clicks.csv").write_text("click\n1\n")
    (tmp_path / "secret.csv").write_text("click\n1\n")
    (tmp_path / "open" / "link.csv").symlink_to(tmp_path / "secret.csv")
    return (tmp_path / "open",)


def test_a_file_in_an_allowed_folder_may_be_read(roots: tuple[Path, ...]) -> None:
    """Also when the way to it goes round."""
    assert allowed_path(f"{roots[0]}/../open/clicks.csv", roots) == str((roots[0] / "clicks.csv").resolve())


@pytest.mark.parametrize("path", ["../secret.csv", "link.csv", "absent.csv", ".", "nul\0.csv"])
def test_everything_else_is_refused(roots: tuple[Path, ...], path: str) -> None:
    """Ways up, links out, folders, and what is not there, with one and the same answer for all that is not open."""
    with pytest.raises(PathRefusedError):
        allowed_path(f"{roots[0]}/{path}", roots)


def test_a_neighbour_with_a_longer_name_is_refused(roots: tuple[Path, ...], tmp_path: Path) -> None:
    """`open-too` does not lie in `open`."""
    (tmp_path / "open-too").mkdir()
    (tmp_path / "open-too" / "clicks.csv").touch()

    with pytest.raises(PathRefusedError):
        allowed_path(str(tmp_path / "open-too" / "clicks.csv"), roots)


def test_without_folders_every_path_is_refused() -> None:
    """The way in is off unless somebody opens it."""
    with pytest.raises(PathRefusedError, match="IHAS_DATA_ROOTS"):
        allowed_path("/etc/hostname", ())


@given(st.binary(max_size=64), st.sampled_from(["csv", "jsonl", "parquet"]))
def test_a_stated_format_is_believed(head: bytes, form: str) -> None:
    """The first bytes only add the compression."""
    assert suffix_of(head, form) in {f".{form}", f".{form}.gz", f".{form}.zst"}


@pytest.mark.parametrize(("inside", "form"), [(b"click\n1\n", "csv"), (b' {"click": 1}\n', "jsonl"), (b"PAR1" + b"\0" * 99, "parquet")])
def test_what_is_inside_gzip_is_told_from_its_first_bytes(inside: bytes, form: str) -> None:
    """Also where gzip's header carries a file's name, and where the rest has not arrived."""
    packed = io.BytesIO()
    with gzip.GzipFile("a-long-name-of-a-file" * 9, "wb", fileobj=packed) as file:
        file.write(inside * 10_000)

    assert suffix_of(packed.getvalue()[:HEAD_BYTES], "auto") == f".{form}.gz"


@given(st.binary(max_size=64))
def test_every_file_gets_a_suffix_that_a_reader_knows(head: bytes) -> None:
    """Whatever it begins with, and if it is empty."""
    assert suffix_of(head, "auto").split(".")[1] in {"csv", "jsonl", "parquet"}
