"""Where the rows of a CSV file begin, how its cells are divided, and what its columns are called."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ihas.data.cells import cell_number
from ihas.data.delimiters import UNIT
from ihas.data.findings import FindingCollector
from ihas.data.reading import Source
from ihas.data.sources import raise_unreadable
from ihas.errors import ConfigError

DELIMITERS = ",;\t|"
_HEADER_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JOINERS = "\u200c\u200d"
_UNUSUAL_SPACE = re.compile(r"\s*[^\S ]\s*")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)?"?\r?\n', re.IGNORECASE)
_ROWS_SHOWN = 3
_NAMES_TOLD = 100
_MAX_COUNT_DIGITS = 18


@dataclass(frozen=True)
class Dialect:
    """How a line is divided into cells.

    Attributes:
        delimiter: character between cells; `UNIT` for one of several characters.
        quoting: whether double quotes enclose cells.
        escape: character that takes the meaning from the one behind it; None for none.
    """

    delimiter: str
    quoting: bool = True
    escape: str | None = None

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Cells of each row, as Python's csv module reads them."""
        quoting: Any = csv.QUOTE_MINIMAL if self.quoting else csv.QUOTE_NONE
        return csv.reader(lines, delimiter=self.delimiter, quoting=quoting, escapechar=self.escape)


@dataclass(frozen=True)
class Header:
    """The first line.

    Attributes:
        dialect: how the file's lines are divided.
        names: of the columns, tidied; not checked yet.
        written: the same as the file writes them.
        num_bytes: bytes up to the first row.
        first_cells: first cells of the rows behind it, some of them.
    """

    dialect: Dialect
    names: tuple[str, ...]
    written: tuple[str, ...]
    num_bytes: int
    first_cells: tuple[str, ...]


def read_header(source: Source) -> Header:
    """The header of a CSV file, or the names that are stated for one without; what was tidied in its names is noted.

    Raises:
        ConfigError: a delimiter or an escape character that CSV cannot have, or stated names that are not as many as cells.
        DataError: an empty file, or a first line that is no header.
    """
    text, skipped = _start_of_text(source)
    _refuse_separator_line(text, source.path)
    try:
        dialect = _dialect(source, text)
        written, taken = _first_row(text, dialect)
    except csv.Error as error:
        law = f"The first line must be readable as CSV, but it is not: {error}. Put a line with the columns' names on top."
        raise_unreadable(source.path, law)
    if source.options.names:
        _check_first_row(written, source.options.names)
        written, taken = list(source.options.names), 0
    names = tuple(map(tidied, written))
    _note_tidied(names, written, source)
    num_bytes = skipped + len(text[:taken].encode("utf-8", errors="surrogateescape"))
    return Header(dialect, names, tuple(written), num_bytes, _first_cells(text[taken:], dialect))


def check_header(header: Header, source: Source) -> None:
    """DataError where columns that are wanted have no name, the name of another, or one that is no text."""
    wanted = [position for position, name in enumerate(header.names) if source.options.wants(name)]
    _check_characters([header.names[position] for position in wanted], source.path)
    findings = FindingCollector()
    blank = [position + 1 for position in wanted if not header.names[position]]
    hint = _hint(header.names)
    if blank == [1] and _counts_rows(header):
        law = "The first column has no name and counts the rows, as pandas writes its index. Write the file with `index=False`, or name it."
        findings.add("blank_column", f"{law} Then list it under `ignored`.")
    elif blank:
        findings.add("blank_column", f"Every column must have a name, but those at positions {blank} have none.{hint}")
    repeated = [name for name, count in Counter(header.names).items() if name and count > 1 and source.options.wants(name)]
    for name in sorted(repeated)[:_NAMES_TOLD]:
        positions = [position + 1 for position, other in enumerate(header.names) if other == name]
        law = f"Column names must differ, but the columns at positions {positions} are all called {name!r}."
        findings.add("duplicate_column", f"{law} Rename all but one.{hint}", column=name)
    findings.raise_errors(f"{source.path.name} cannot be read as CSV")


def tell_delimiter(header: str) -> str:
    """The one of `,` `;` tab and `|` that cuts the header into most cells; `,` where none occurs."""
    return max(DELIMITERS, key=lambda delimiter: len(_first_row(header, Dialect(delimiter))[0]))


def header_looks_like_data(names: Sequence[str]) -> bool:
    """Whether a quarter of the names or more are numbers, other than plain column numbers 0, 1, 2, ... or 1, 2, 3, ..."""
    counted = [[str(number + first) for number in range(len(names))] for first in (0, 1)]
    return list(names) not in counted and 4 * sum(cell_number(name.strip()) is not None for name in names) >= len(names)


def tidied(name: str) -> str:
    """A name without spaces around it, unusual white space within it as one space, and without characters that nobody sees.

    The joiners of Persian or Hindi (U+200C, U+200D) stay, for they belong to words.
    """
    seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf" or letter in _JOINERS)
    return _UNUSUAL_SPACE.sub(" ", seen).strip()


def _start_of_text(source: Source) -> tuple[str, int]:
    """The text, without what lies before its first line, and the bytes of the latter."""
    with source.opened() as stream:
        start = stream.read(_HEADER_BYTES)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        law = "The text must be UTF-8, but the file says that it is UTF-16. Save it as UTF-8, or state `encoding = 'utf-16'`."
        raise_unreadable(source.path, law, "wrong_encoding")
    content = start
    while content.startswith(_BYTE_ORDER_MARK):
        content = content.removeprefix(_BYTE_ORDER_MARK)
    if len(start) - len(content) > len(_BYTE_ORDER_MARK):
        source.notes.add("header_tidied", "The file begins with several byte order marks, which are passed over.", severity="warning")
    content = content.lstrip(b"\r\n")
    if not content.strip():
        raise_unreadable(source.path, "The file must have a header line and data rows, but it is empty.", "empty_file")
    return content.decode("utf-8", errors="surrogateescape"), len(start) - len(content)


def _refuse_separator_line(text: str, path: Path) -> None:
    found = _SEPARATOR_LINE.match(text)
    if found is not None:
        way = f"Delete the line, and set `delimiter` to {found[1]!r} if it is not told by itself." if found[1] else "Delete the line."
        law = f"The first line must be the header, but it is the `sep={found[1] or ''}` line that Excel writes. {way}"
        raise_unreadable(path, law, "separator_line")


def _check_first_row(cells: Sequence[str], names: Sequence[str]) -> None:
    """ConfigError where the stated names do not fit the first row, or are that row."""
    if len(cells) != len(names):
        shown = ", ".join(map(repr, cells[:_ROWS_SHOWN]))
        law = f"`names` must name each column, but names {len(names)}, and the first row has {len(cells)} cells: {shown}"
        raise ConfigError(f"{law}. Name them all in their order, or set `delimiter`.")
    if list(map(tidied, cells)) == list(names):
        raise ConfigError("`names` must be of a file without a header line, but its first line holds these names. Leave `names` out.")


def _dialect(source: Source, text: str) -> Dialect:
    options = source.options
    if options.delimiter is not None and len(options.delimiter) > 1:
        for character in options.delimiter:
            _checked("delimiter", character)
        if options.escape is not None:
            raise ConfigError(f"`escape` needs a delimiter of one character, but it is {options.delimiter!r}. Leave `escape` out.")
        return Dialect(UNIT, quoting=False)
    dialect = Dialect(_checked("delimiter", options.delimiter) if options.delimiter else ",", options.quoting)
    if options.escape is not None:
        dialect = Dialect(dialect.delimiter, dialect.quoting, _checked("escape", options.escape))
    if options.delimiter is None:
        told = max(DELIMITERS, key=lambda one: _cells_by(one, text, dialect))
        dialect = Dialect(told, dialect.quoting, dialect.escape)
    if dialect.escape == dialect.delimiter:
        raise ConfigError(f"`escape` must differ from the delimiter, but both are {dialect.escape!r}. Change one of them.")
    return dialect


def _cells_by(delimiter: str, text: str, dialect: Dialect) -> int:
    """Cells of the first row by a delimiter; where that is the escape too, which Python 3.13 reads no row by, nothing is escaped."""
    escape = None if dialect.escape == delimiter else dialect.escape
    return len(_first_row(text, Dialect(delimiter, dialect.quoting, escape))[0])


def _checked(setting: str, character: str) -> str:
    if character in '"\r\n\0' or not character.isascii():
        raise ConfigError(f"`{setting}` must be an ASCII character other than a quote, a line break or NUL, but got {character!r}.")
    return character


def _first_row(text: str, dialect: Dialect) -> tuple[list[str], int]:
    """Cells of the first row, and its characters with the line break."""
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in io.StringIO(text, newline=""):
            taken += len(line)
            yield line

    return next(dialect.rows(lines())), taken


def _note_tidied(names: Sequence[str], written: Sequence[str], source: Source) -> None:
    for name, raw in zip(names, written, strict=True):
        if not source.options.wants(name) or any("\udc80" <= letter <= "\udcff" for letter in raw):
            continue
        if name != raw.strip(" ") and name:
            law = f"The header writes this name as {ascii(raw)}, with characters that are not seen; it is read as {ascii(name)}."
            source.notes.add("header_tidied", f"{law} Settings and requests use the latter.", column=name, severity="warning")
        elif any(joiner in name for joiner in _JOINERS):
            law = f"The name holds characters that are not seen: {ascii(name)}. Settings and requests must have them too."
            source.notes.add("header_tidied", law, column=name, severity="warning")


def _check_characters(names: Sequence[str], path: Path) -> None:
    for position, name in enumerate(names, start=1):
        wrong = next((letter for letter in name if "\udc80" <= letter <= "\udcff"), None)
        if wrong is not None:
            law = f"Column names must be UTF-8 text, but number {position} holds the byte 0x{ord(wrong) - 0xDC00:02x}, which is not."
            raise_unreadable(path, f"{law} Save the file as UTF-8, or state its `encoding`.", "wrong_encoding")
        if any(unicodedata.category(letter) == "Cc" for letter in name):
            law = f"Column names must hold no control characters, but number {position} is {ascii(name[:80])}. Rename it."
            raise_unreadable(path, f"{law} If it holds \\x00, the file is UTF-16 or no text.", "unprintable_name")


def _hint(names: Sequence[str]) -> str:
    looks = " looks like data: put" if header_looks_like_data(names) else " must be the header. If it is data, put"
    return f" The first line{looks} a line with the columns' names above it."


def _first_cells(text: str, dialect: Dialect) -> tuple[str, ...]:
    with suppress(csv.Error):
        return tuple(row[0] for row in islice(dialect.rows(io.StringIO(text, newline="")), _ROWS_SHOWN) if row)
    return ()


def _counts_rows(header: Header) -> bool:
    cells = header.first_cells
    are_counts = bool(cells) and all(cell.isdecimal() and len(cell) <= _MAX_COUNT_DIGITS for cell in cells)
    return are_counts and all(int(cell) == int(cells[0]) + place for place, cell in enumerate(cells))
