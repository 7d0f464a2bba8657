"""Texts that a terminal shows and does not obey."""

from __future__ import annotations

import json

import pytest

from ihas.harmless import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("films", "films"),
        ("Zoë\t猫\n", "Zoë\t猫\n"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\x9b2J", "\\u009b2J"),
        ("a\rb\x07\x7f", "a\\u000db\\u0007\\u007f"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_commands_a_terminal_is_written_out(text: str, shown: str) -> None:
    """Escapes, their one-byte forms, carriage returns and turned writing; letters of every script stay."""
    assert harmless(text) == shown
    assert harmless(shown) == shown


def test_a_json_text_keeps_its_value() -> None:
    """The same string comes out of it."""
    value = {"name": "\x1b[2J\x9b\u202e"}
    assert json.loads(harmless(json.dumps(value, ensure_ascii=False))) == value
