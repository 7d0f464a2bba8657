"""The code blocks of the pages, taken apart: blocks of a language, commands of a shell, what `curl` asks for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENDS = frozenset({"\n", ";", ";;", "|", "||", "&", "&&", "(", ")"})
REDIRECTIONS = frozenset({">", ">>", "<", ">&", "<<<"})
KEYWORDS = frozenset({"do", "done", "then", "fi", "until", "while", "if", "else", "!", "{", "}", "exec", "nohup"})
ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
SERVICE = re.compile(r"\$\{?IHAS_URL\}?|https?://(?:HOST|127\.0\.0\.1|localhost)(?::\d+)?")
ALONE = frozenset({"-s", "-f", "-N", "-i", "-sf", "-sN", "-sfN", "-fN", "-sS"})
"""Options of `curl` that the pages use without a value."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: file of the page.
        language: what stands after the fence.
        text: what is between the fences.
    """

    page: Path
    language: str
    text: str

    @property
    def name(self) -> str:
        """The page's path within the repository."""
        return self.page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(page, language.strip(), text) for language, text in BLOCK.findall(page.read_text(encoding="utf-8"))]


def blocks(*languages: str) -> list[Block]:
    """All blocks of these languages, by page."""
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


def shell_text(block: Block) -> str:
    """What is typed: of a console the lines behind `$`, of any other block all of it."""
    if block.language != "console":
        return block.text
    return "".join(line.removeprefix("$ ") for line in block.text.splitlines(keepends=True) if line.startswith("$ "))


def commands(text: str) -> list[list[str]]:
    """The words of each simple command of a shell text; variables stay as they are written, redirections and assignments before go."""
    lexer = shlex.shlex(_uncommented(text).replace("\\\n", " "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    found: list[list[str]] = [[]]
    skip = False
    for word in lexer:
        if set(word) <= {"\n", ";", "|", "&", "(", ")"}:
            found.append([])
        elif word in REDIRECTIONS:
            skip = True
        elif skip:
            skip = False
        else:
            found[-1].append(word)
    return [words for words in map(_bare, found) if words]


def _bare(words: list[str]) -> list[str]:
    """A command without keywords and assignments before it."""
    while words and (words[0] in KEYWORDS or ASSIGNMENT.fullmatch(words[0]) or words[0] == "export"):
        words = words[1:]
    return words


def _uncommented(text: str) -> str:
    kept, quote, comment = list[str](), "", False
    for before, letter in zip(f"\n{text}", text, strict=False):
        if comment and letter != "\n":
            continue
        comment = not quote and letter == "#" and before.isspace()
        if letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
        kept.append("" if comment else letter)
    return "".join(kept)


@dataclass(frozen=True)
class Request:
    """What a `curl` asks a service for.

    Attributes:
        method: of HTTP.
        path: without the address of the service; a variable of the shell stands for itself.
        query: parameters, in order.
        body: text of the body, None without one.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str | None


def request_of(words: list[str]) -> Request | None:
    """The request of `curl ...`; None where it asks another server.

    Raises:
        ValueError: an option is none that the pages use.
    """
    method, url, body = "", "", None
    rest: Iterator[str] = iter(words[1:])
    for word in rest:
        if word in ("-X", "--request"):
            method = next(rest)
        elif word in ("-d", "--data-binary"):
            method, body = method or "POST", next(rest)
        elif word == "-T":
            method, body = method or "PUT", f"@{next(rest)}"
        elif word in ("-H", "-o"):
            next(rest)
        elif not word.startswith("-"):
            url = word
        elif word not in ALONE:
            raise ValueError(f"`curl` of the pages has no {word!r}.")
    path = SERVICE.sub("", re.sub(r"^\$\{?api\}?", "/v1", url))
    if not path.startswith("/"):
        return None
    parts = urlsplit(path)
    return Request(method or "GET", parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)), body)
