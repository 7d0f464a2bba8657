"""The files of a table: one, all of a folder, or those that a pattern names; with the columns that the names of folders state.

A folder `day=2026-11-30` states the column `day` for every file below it, as Hive, Spark and Arrow write partitions. Files and folders
whose names begin with a point or an underscore are passed over, and so is a file whose suffix says no format, unless it is stated.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ihas.data.cells import cell_text
from ihas.data.readers import FORMAT_SUFFIXES, is_known
from ihas.data.sources import raise_unreadable
from ihas.errors import DataError
from ihas.folders import file_digest

MISSING_PARTITION = "__HIVE_DEFAULT_PARTITION__"
MAX_FILES = 100_000


@dataclass(frozen=True)
class TableFile:
    """A file of a table.

    Attributes:
        path: the file.
        partitions: columns that its folders state, each with the canonical text of all its cells; None for a missing one.
        name: the file's name from where the table begins, for messages.
    """

    path: Path
    partitions: Mapping[str, str | None] = field(default_factory=dict)
    name: str = ""


def files_at(path: Path, *, any_suffix: bool = False) -> tuple[TableFile, ...]:
    """The files that a path names, in the order of their names.

    Args:
        path: a file; a folder, of which all files below count; or a pattern (`*`, `?`, `[...]`, `**`), if there is no such file.
        any_suffix: whether files count whose suffix says no format.

    Raises:
        DataError: a folder or a pattern of no file, or of too many.
    """
    if path.is_dir():
        found = [_table_file(one, path) for one in _below(path, any_suffix=any_suffix)]
        law = "The folder must hold files of a table"
    elif glob.has_magic(str(path)) and not path.exists():
        found = list(_matching(path, any_suffix=any_suffix))
        law = "The pattern must match files of a table"
    else:
        return (TableFile(path, name=path.name),)
    if not found:
        suffixes = ", ".join(FORMAT_SUFFIXES)
        raise_unreadable(path, f"{law}, but there is none. Their suffixes must be among {suffixes}, or state `format`.", "no_files")
    if len(found) > MAX_FILES:
        raise_unreadable(
            path, f"A table must have at most {MAX_FILES:,} files, but has {len(found):,}. Join some of them.", "too_many_files"
        )
    return tuple(found)


def files_of(paths: Sequence[Path], form: str) -> tuple[Path, ...]:
    """All files of some paths, as a table of a format (`DataConfig.format`) is read."""
    return tuple(file.path for path in paths for file in files_at(path, any_suffix=form != "auto"))


def contents_of(path: Path, form: str) -> list[Any]:
    """What tells a file, or all files of a folder or a pattern, from others: suffixes or names, and digests; empty where there is none."""
    if path.is_file():
        return [path.suffixes, file_digest(path)]
    with suppress(DataError):  # its reader says so
        return [[file.name, file_digest(file.path)] for file in files_at(path, any_suffix=form != "auto") if file.path.is_file()]
    return []


def _matching(pattern: Path, *, any_suffix: bool) -> Iterator[TableFile]:
    """Files that a pattern names, and those in folders that it names."""
    root = _root(pattern)
    for name in sorted(glob.glob(str(pattern), recursive=True)):
        one = Path(name)
        if one.is_dir():
            yield from (_table_file(inside, root) for inside in _below(one, any_suffix=any_suffix) if "**" not in pattern.parts)
        elif not _is_hidden(one.relative_to(root)) and (any_suffix or _counts(one)):
            yield _table_file(one, root)


def _root(pattern: Path) -> Path:
    """The folders before the first part of a pattern that names several."""
    parts = list(pattern.parts)
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def _below(folder: Path, *, any_suffix: bool) -> list[Path]:
    paths = (one for one in folder.rglob("*") if not _is_hidden(one.relative_to(folder)) and one.is_file())
    return sorted(one for one in paths if any_suffix or _counts(one))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _counts(path: Path) -> bool:
    try:
        return is_known(path)
    except DataError:  # an archive of several files; its reader says so
        return True


def _table_file(path: Path, root: Path) -> TableFile:
    inside = path.relative_to(root)
    pairs = [part.partition("=") for part in inside.parts[:-1] if "=" in part.strip("=")]
    partitions = {unquote(name): None if text == MISSING_PARTITION else cell_text(unquote(text)) for name, _, text in pairs}
    return TableFile(path, partitions, str(inside))
