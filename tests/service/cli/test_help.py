"""Every help text of `ihas` has an example that is right, and says nothing that only programmers read."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ihas_service.cli.examples import EXAMPLES
from ihas_service.cli.help import commands_of, example_of, polished
from ihas_service.cli.main import app, run

COMMANDS = {" ".join(words): (command, context) for words, command, context in commands_of(get_command(app))}
LEAVES = [name for name, (command, _) in COMMANDS.items() if not getattr(command, "commands", None)]


def test_every_command_has_an_example_and_every_example_a_command() -> None:
    """None is missing, and none is left over from a command that went."""
    assert sorted(EXAMPLES) == sorted(LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_an_example_is_taken_by_its_command(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser takes it where its files are there, with every argument and option that the command needs."""
    command, context = COMMANDS[name]
    program, *words = shlex.split(EXAMPLES[name])
    assert (program, words[: len(name.split())]) == ("ihas", name.split())
    monkeypatch.chdir(tmp_path)
    for file in (word for word in words if Path(word).suffix and "/" not in word):
        Path(file).touch()
    parsed = command.make_context(name, words[len(name.split()) :], parent=context.parent)
    assert parsed.args == []


def test_a_group_shows_the_example_of_its_first_command() -> None:
    """A command shows its own; what has none shows none."""
    examples = {"keys ls": "one", "model ls": "two", "model rm": "three"}
    found = [example_of(tuple(words.split()), examples) for words in ("model", "model rm", "mod", "")]
    assert found == ["two", "three", "", "one"]


def test_flags_show_no_type(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No help of any command says `<bool>`, and brackets in a text are shown as they are."""
    for words, command, context in commands_of(polished(get_command(app))):
        types = {one.name: one.display_type_rich(ctx=context) for one in command.get_params(context) if one.param_type_name == "option"}
        assert "<bool>" not in types.values(), words
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["recommend", "--help"]) == 0
    shown = capsys.readouterr().out
    assert EXAMPLES["recommend"] in shown
    assert "--explain" in shown


def test_a_shell_completes_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the script of `ihas --show-completion` asks for is answered with the commands that begin so."""
    environment: dict[str, Any] = {"_IHAS_COMPLETE": "complete_bash", "COMP_WORDS": "ihas sea", "COMP_CWORD": "1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == 0
    assert capsys.readouterr().out.split() == ["search"]
