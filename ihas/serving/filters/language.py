"""The language of filters: a text to a value, by an allow-list of forms; nothing of it is ever carried out.

    year >= 1990 and genres has "War" and not (name == 'x' or studio in ("A", "B") or price is missing)

Fields that are no plain name stand in backticks. `and` binds before `or`, `not` before both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ihas.data.cells import Scalar
from ihas.serving.filters.nodes import Compared, Comparison, Field, Joined, Missing, Node, Not, refuse

MAX_LENGTH = 2_000
"""Most characters of a filter."""
MAX_DEPTH = 16
"""Most parts of a filter within each other."""
KEPT = 256
WORDS = frozenset({"and", "or", "not", "in", "has", "is", "missing", "true", "false"})
GRAMMAR = r"""
start: either
?either: both ("or" both)*
?both: negation ("and" negation)*
?negation: "not" negation -> negated | part
?part: "(" either ")"
    | field SIGN literal -> compared
    | field "in" "(" literal ("," literal)* [","] ")" -> among
    | field "has" literal -> has
    | field "is" "missing" -> missing
field: NAME | QUOTED
?literal: NUMBER -> number | TEXT -> text | "true" -> yes | "false" -> no

SIGN: "==" | "!=" | "<=" | ">=" | "<" | ">"
NAME: /[^\W\d]\w*/
QUOTED: /`[^`]+`/
TEXT: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
NUMBER: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
%ignore /\s+/
"""
EXPECTED = {"SIGN": "a comparison", "NAME": "a field", "QUOTED": "a field", "TEXT": "a text", "NUMBER": "a number", "$END": "the end"}
ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(KEPT)
def parse_filter(text: str) -> Node:
    """A filter from its text.

    Raises:
        RequestError: longer than `MAX_LENGTH`, deeper than `MAX_DEPTH`, or not of the language; says at which column.
    """
    if len(text) > MAX_LENGTH:
        refuse(MAX_LENGTH + 1, f"at most {MAX_LENGTH} characters are possible, but it has {len(text)}. Exclude or name items by id.")
    try:
        tree: Any = PARSER.parse(text)
    except UnexpectedInput as error:
        refuse(*_fault(error, text))
    node: Node = tree
    return node


class _Nodes(Transformer[Token, Any]):
    """Forms to nodes, from the leaves up, while the text is parsed: no form is too deep for it."""

    def start(self, nodes: Sequence[Node]) -> Node:
        return nodes[0]

    def either(self, nodes: Sequence[Node]) -> Node:
        return _shallow(Joined(tuple(nodes), every=False, depth=1 + max(node.depth for node in nodes)))

    def both(self, nodes: Sequence[Node]) -> Node:
        return _shallow(Joined(tuple(nodes), every=True, depth=1 + max(node.depth for node in nodes)))

    def negated(self, nodes: Sequence[Node]) -> Node:
        return _shallow(Not(nodes[0]))

    def compared(self, parts: Sequence[Any]) -> Node:
        field, sign, literal = parts
        comparison: Comparison = sign.value
        return Compared(field, comparison, (literal,))

    def among(self, parts: Sequence[Any]) -> Node:
        return Compared(parts[0], "in", tuple(part for part in parts[1:] if part is not None))

    def has(self, parts: Sequence[Any]) -> Node:
        return Compared(parts[0], "has", (parts[1],))

    def missing(self, parts: Sequence[Field]) -> Node:
        return Missing(parts[0])

    def field(self, parts: Sequence[Token]) -> Field:
        return Field(parts[0].value.strip("`"), (parts[0].start_pos or 0) + 1)

    def number(self, parts: Sequence[Token]) -> Scalar:
        text = parts[0].value
        return int(text) if text.lstrip("+-").isdecimal() and len(text) < 300 else float(text)

    def text(self, parts: Sequence[Token]) -> Scalar:
        return ESCAPE.sub(r"\1", parts[0].value[1:-1])

    def yes(self, parts: Sequence[Token]) -> Scalar:  # noqa: ARG002 # a keyword has no parts
        return True

    def no(self, parts: Sequence[Token]) -> Scalar:  # noqa: ARG002
        return False


PARSER = Lark(GRAMMAR, parser="lalr", transformer=_Nodes(), maybe_placeholders=False)


def _shallow(node: Node) -> Node:
    if node.depth > MAX_DEPTH:
        refuse(1, f"at most {MAX_DEPTH} parts may lie within each other. Take some apart, or use `in`.")
    return node


def _fault(error: UnexpectedInput, text: str) -> tuple[int, str]:
    """Column of a fault, from 1, and what was expected there."""
    if isinstance(error, UnexpectedCharacters):
        place = error.pos_in_stream or 0
        return place + 1, f"{text[place]!r} belongs to nothing. A text stands between quotes."
    if not isinstance(error, UnexpectedToken):
        return len(text) + 1, "it ends too early."
    ended = error.token.type == "$END"
    wanted = sorted({EXPECTED.get(name, f"`{_spelt(name)}`") for name in error.accepts or error.expected})
    found = "it ends" if ended else f"{str(error.token)!r} stands"
    return len(text) + 1 if ended else (error.pos_in_stream or 0) + 1, f"{found} where {' or '.join(wanted)} is expected."


def _spelt(name: str) -> str:
    return {"LPAR": "(", "RPAR": ")", "COMMA": ","}.get(name, name.lower())
