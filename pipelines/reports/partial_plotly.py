"""plotly's script without the kinds of plots that a page does not draw: made of the script that its package installs.

plotly publishes partial bundles for JavaScript alone, and its Python package holds the whole script of 4.8 MB, most of it maps and
drawings in space. That script is one function of a few thousand declarations, of which one registers each kind of plot. What a kind left
out alone needs, nothing reaches any more: it is found by following names from the end of the function, each name of a declaration that
occurs in another one being taken for a use of it. A name that two scopes share so keeps too much, never too little. Where the script
looks otherwise than this says, the whole of it is taken.
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from plotly.offline import get_plotlyjs

START, END = "var Plotly=(()=>{", "})();\n/*!"
BUILT_IN = frozenset({"scatter"})
"""Kinds that the script registers with its core."""
TOKEN = re.compile(r"""[^"'`/()\[\]{};]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|//[^\n]*|/\*.*?\*/|[`/()\[\]{};]""", re.DOTALL)
TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)
PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
VALUE = re.compile(r"[\w$\u0080-\uffff)\].\"'`]\s*$")
OPERATOR = re.compile(r"(?<![\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|instanceof|yield|await)\s*$")
NAME = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]*")
SPREAD = re.compile(r"\.\.\.([A-Za-z_$][\w$]*)")
DECLARED = re.compile(r"(?:^|[,\s*])(?:(?:var|let|const|function|class)\b[\s*]*)?([A-Za-z_$][\w$]*)\s*(?==|,|;|$|\()")
EXPORTS = re.compile(r"\s*[\w$]+\(([\w$]+),\{")
REGISTERED = re.compile(r"\.register\(\[([\w$(),]+)\]\)")
TRACE = re.compile(r'moduleType:"trace",name:"(\w+)"')
BLOCK = re.compile(r"\s*(?:async\s+)?(?:function|class)\b")
DECLARATION = re.compile(r"\s*(?:var|let|const|class|(?:async\s+)?function)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the script's function: its text, that text without strings, and the part of it that stands in no bracket."""

    text: str
    code: str
    flat: str

    @property
    def declares(self) -> Sequence[str]:
        """Names that it declares; too many where an initial value is a list of names."""
        return DECLARED.findall(self.flat) if DECLARATION.match(self.text) else ()

    def names(self, but: frozenset[str]) -> set[str]:
        """Names that it may use."""
        return (set(NAME.findall(self.code)) | set(SPREAD.findall(self.code))) - but


@lru_cache(maxsize=8)
def packed_library(kinds: frozenset[str]) -> tuple[str, str]:
    """Plotly's script for some kinds of plots, and the same as gzip in base64, as a page holds it."""
    script = library(kinds)
    return script, base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def library(kinds: frozenset[str], whole: str | None = None) -> str:
    """Plotly's script for some kinds of plots, such as `bar`; the whole script where it cannot be divided."""
    script = get_plotlyjs() if whole is None else whole
    begin, end = script.find(START) + len(START), script.rfind(END)
    try:
        statements = tuple(split(script, begin, end)) if begin >= len(START) and end > begin else ()
        kept = reached(statements, kinds - BUILT_IN)
    except (ValueError, LookupError):
        return script
    return script[:begin] + "".join(kept) + script[end:]


def split(script: str, at: int, end: int) -> Iterator[Statement]:
    """The statements between two places of a script.

    Raises:
        ValueError: brackets do not match.
    """
    begin, last, code, flat, open_ = at, "", [""], [""], ""
    while at < end:
        found = TOKEN.match(script, at)
        text, at = (found[0], found.end()) if found else ("", end)
        if text in ("(", "[", "{"):
            open_ += text
        elif text in (")", "]", "}"):
            open_, closed = open_[:-1], open_[-1:]
            if closed + text not in ("()", "[]", "{}", "`}"):
                raise ValueError(text)
            text = "`" if closed == "`" else text
        elif text == "/" and (not VALUE.search(last) or OPERATOR.search(last)):
            at, text = _end(PATTERN, script, at - 1), '"'
        elif text[:2] in ("//", "/*"):
            continue
        if text == "`":
            at = _end(TEMPLATE, script, at)
            open_ += "`" if script[at - 1] == "{" else ""
            text = "{" if script[at - 1] == "{" else "`"
        last = text[-12:]
        if text[:1] not in ('"', "'"):
            code.append(text)
        if not open_:
            flat.append(text)
            if text == ";" or (text == "}" and BLOCK.match("".join(flat[:3]))):
                yield Statement(script[begin:at], " ".join(code), "".join(flat))
                begin, code, flat = at, [""], [""]
    if open_:
        raise ValueError(open_)
    yield Statement(script[begin:end], " ".join(code), "".join(flat))


def _end(pattern: re.Pattern[str], script: str, at: int) -> int:
    found = pattern.match(script, at)
    if found is None:
        raise ValueError(script[at : at + 20])
    return found.end()


def reached(statements: Sequence[Statement], kinds: frozenset[str]) -> list[str]:
    """Texts of the statements that are needed to draw some kinds of plots, in order.

    Raises:
        ValueError: no statement registers a kind.
    """
    of = {name: number for number, one in enumerate(statements) for name in one.declares}
    registry = next((number for number, one in enumerate(statements) if REGISTERED.search(one.text)), None)
    if registry is None:
        raise ValueError(REGISTERED.pattern)
    listed = REGISTERED.search(statements[registry].text)
    calls = NAME.findall(listed[1]) if listed else []
    kept = [call for call in calls if _kind(statements, of, call) in kinds]
    if len(kept) < len(kinds):
        raise ValueError(kinds)
    dropped = frozenset(calls) - frozenset(kept)
    seen: set[int] = set()
    waiting = [number for number, one in enumerate(statements) if not one.declares and not EXPORTS.match(one.text)]
    exports = {found[1]: number for number, one in enumerate(statements) if not one.declares and (found := EXPORTS.match(one.text))}
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        names = statements[number].names(dropped if number == registry else frozenset())
        waiting += [place[name] for place in (of, exports) for name in names if name in place]
    call = f".register([{','.join(f'{one}()' for one in kept)}])"
    texts = {**{number: statements[number].text for number in seen}, registry: REGISTERED.sub(call, statements[registry].text)}
    return [texts[number] for number in sorted(seen)]


def _kind(statements: Sequence[Statement], of: dict[str, int], call: str) -> str | None:
    """The kind of plot that a call of the registry stands for: that of the one module that its module names."""
    for name in NAME.findall(statements[of[call]].text):
        if name != call and name in of and (found := TRACE.search(statements[of[name]].text)):
            return found[1]
    return None
