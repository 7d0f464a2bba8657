"""Ids at the end of a path, as `{item:id}`: whatever follows, since an id may hold slashes, which servers decode before routes are told."""

from __future__ import annotations

from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor

NAME = "id"


class _Id(Convertor[str]):
    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def install() -> None:
    """Let routes name such parameters."""
    if NAME not in CONVERTOR_TYPES:
        register_url_convertor(NAME, _Id())
