"""How a file is read, and the notes that reading makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa

from ihas.config.data import DataConfig
from ihas.config.file_form import Encoding, FileForm
from ihas.data.delimiters import unified
from ihas.data.encodings import in_utf8
from ihas.data.findings import FindingCollector
from ihas.data.sources import opened, raise_unreadable
from ihas.errors import ConfigError

Format = Literal["auto", "csv", "parquet", "jsonl"]
NameCheck = Callable[[Sequence[str]], None]
MAX_NAME = 1_000
"""Characters of a column's name."""
MAX_COLUMNS = 10_000
"""Columns of a table; each costs about a millisecond, however few rows there are."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file.

    Attributes:
        format: `auto` goes by the suffix.
        delimiter: character or characters between CSV cells; None tells it from the header.
        quoting: whether double quotes enclose CSV cells.
        escape: character of CSV that takes the meaning from the one behind it; None for none.
        names: of the columns of CSV without a header line; empty where there is one.
        encoding: of the characters of CSV.
        ignored: columns that must not refuse the file, whatever they hold.
        only: columns wanted; all of them where it is None. The others are not looked at.
        check_names: called with the names of all columns before any row is read.
    """

    format: Format = "auto"
    delimiter: str | None = None
    quoting: bool = True
    escape: str | None = None
    names: tuple[str, ...] = ()
    encoding: Encoding = "utf-8"
    ignored: Collection[str] = ()
    only: Collection[str] | None = None
    check_names: NameCheck | None = None

    def wants(self, name: str) -> bool:
        """Whether the column is in the table."""
        return self.only is None or name in self.only

    def needs(self, name: str) -> bool:
        """Whether what is wrong in the column is wrong with the file."""
        return self.wants(name) and name not in self.ignored


def check_is_file(data: DataConfig) -> None:
    """ConfigError where the table is a query: what reads databases writes a file first."""
    if data.sql is not None:
        law = "A query is read by the command line and by Python, which write its rows to a file first, but here is one."
        raise ConfigError(f"{law} Use `ihas search`, `ihas inspect` or `ihas.fit`.")


def options_of(data: DataConfig) -> ReadOptions:
    """What settings say about reading a table of clicks."""
    form: Format = "auto" if data.format == "sequences" else data.format
    keys = {joined.key for joined in data.joined}  # what is wrong with them would be missing cells elsewhere
    return replace(form_options(form, data), ignored=frozenset(data.columns.ignored) - keys)


def form_options(form: Format, file: FileForm) -> ReadOptions:
    """How a file is read that is written so."""
    return ReadOptions(form, file.delimiter, file.quoting, file.escape, file.names, file.encoding)


@dataclass
class Source:
    """A file under way.

    Attributes:
        path: the file.
        options: how it is read.
        notes: warnings so far.
    """

    path: Path
    options: ReadOptions
    notes: FindingCollector = field(default_factory=FindingCollector)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file's text in UTF-8, `UNIT` in the place of a delimiter of several characters; errors as `ihas.data.sources.opened`."""
        with opened(self.path) as stream:
            delimiter, encoding = self.options.delimiter or "", self.options.encoding
            text = stream if encoding == "utf-8" else in_utf8(stream, encoding, self.path)
            yield unified(text, delimiter.encode(), self.path) if len(delimiter) > 1 else text

    def check_names(self, names: Sequence[str]) -> None:
        """Errors about the file's columns, the caller's too.

        Raises:
            DataError: a name is too long, or there are too many.
        """
        if len(names) > MAX_COLUMNS:
            law = f"A table must have at most {MAX_COLUMNS:,} columns, but this one has {len(names):,}."
            raise_unreadable(self.path, f"{law} Write values of one kind as one column of lists.", "too_many_columns")
        longest = max(names, key=len, default="")
        if len(longest) > MAX_NAME:
            law = f"Column names must have at most {MAX_NAME:,} characters, but one has {len(longest):,}: {ascii(longest[:80])}"
            raise_unreadable(self.path, f"{law}... Rename the column.", "long_name")
        if self.options.check_names is not None:
            self.options.check_names(names)

    def note_unread(self, name: str, what: str) -> None:
        """Warn, once, that an ignored column is read as empty."""
        if name not in {note.column for note in self.notes.kept if note.code == "ignored_not_read"}:
            law = f"The column holds {what}, which no cell can. As it is ignored, it is read as empty."
            self.notes.add("ignored_not_read", law, column=name, severity="warning")


Batches = Callable[[Source], Iterator[pa.Table]]
