"""The code blocks of the first page and of the site say what exists: commands, requests, settings. What of them runs: CONTRIBUTING.md."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from typer import Context
from typer.main import get_command

import ihas
from ihas.config.data import SchemaConfig
from ihas_pipelines.kinds.registry import kind_named
from ihas_service.app import create_app
from ihas_service.cli.arguments import spelled_out
from ihas_service.cli.help import commands_of
from ihas_service.cli.main import app
from ihas_service.settings import Settings
from tests.blocks import PAGES, Block, Request, blocks, blocks_of, commands, request_of, shell_text
from tests.paths import ROOT

SHELL = blocks("sh", "bash", "console")
TYPED = sorted({(block.name, tuple(words)) for block in SHELL for words in commands(shell_text(block))})
LINES = sorted({(name, words[1:]) for name, words in TYPED if Path(words[0]).name == "ihas"})
ASKED = [(name, words) for name, words in TYPED if words[0] == "curl"]
COMMANDS = {words: (command, context) for words, command, context in commands_of(get_command(app))}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
VARIABLES = set(re.findall(r"^(\w+) [?:]?=", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
OTHERS = frozenset({
    "", "cd", "cp", "cron", "crontab", "docker", "git", "grep", "gunzip", "id", "kubectl", "openssl", "pg_dump", "pip", "printf", "psql",
    "python", "python3", "ray", "sleep", "sqlite3", "systemctl", "tar", "uv", "wait",
})  # fmt: skip
"""What else the pages type: programs that are none of ours."""
LANGUAGES = {"", "text", "sh", "console", "python", "toml", "json", "yaml", "mermaid", "{toctree}"}
"""Each is looked at by a test, or holds nothing that somebody types."""


def _id(value: object) -> str:
    return value if isinstance(value, str) else shlex.join(value) if isinstance(value, tuple) else repr(value)


def test_a_text_of_a_shell_is_taken_apart() -> None:
    """Quotes hold lines, comments and operators; a comment, a variable before a command and a redirection are none of it."""
    text = "A=1 one 'a # b' # no\ntwo \\\n  three > file && (four \"x;y\") # end\nuntil five | six; do seven; done\n"
    assert commands(text) == [["one", "a # b"], ["two", "three"], ["four", "x;y"], ["five"], ["six"], ["seven"]]
    assert request_of(["curl", "-s", "$api/models/shop/recommend?version=2", "-H", "a: b", "-d", "{}"]) == Request(
        "POST", "/v1/models/shop/recommend", (("version", "2"),), "{}"
    )
    assert request_of(["curl", "https://example.org/x"]) is None


def test_what_is_typed_is_marked() -> None:
    """A command stands in a block of a shell, never in one without a language: nothing escapes these tests."""
    plain = [
        block for block in blocks("", "text") if re.search(r"^(?:\$ )?(?:[A-Z_]+=\S+ )?(?:ihas|curl|pip|make) ", block.text, re.MULTILINE)
    ]
    assert [block.name for block in plain] == []
    assert {block.language for page in PAGES for block in blocks_of(page)} <= LANGUAGES


@pytest.mark.parametrize(("page", "words"), LINES, ids=_id)
def test_a_command_line_is_taken_by_the_parser(page: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command, options, types and what is needed, of every `ihas ...` in a block of a shell; files that it names are there."""
    monkeypatch.chdir(tmp_path)
    for word in words:
        if Path(word).suffix and not Path(word).is_absolute() and re.fullmatch(r"[\w./-]+", word):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
    _parse(list(words))


def _parse(words: list[str]) -> None:
    """Errors of the parser as they are; nothing is carried out."""
    searches = {name[1] for name in COMMANDS if name[:1] == ("search",) and len(name) == 2} | {"-h", "--help"}
    spelled = spelled_out(words, searches)
    spelled = spelled[2:] if spelled[:1] == ["--output"] else spelled
    if spelled[:1] and spelled[0].startswith("--"):
        return _parse_top(spelled)
    name = tuple(spelled[:2]) if tuple(spelled[:2]) in COMMANDS else tuple(spelled[:1])
    command, context = COMMANDS[name]
    if spelled[len(name) :] in (["--help"], ["-h"]):
        return None
    parsed: Context = command.make_context(name[-1], spelled[len(name) :], parent=context.parent)
    assert parsed.args == []
    return None


def _parse_top(words: list[str]) -> None:
    command, _ = COMMANDS[()]
    names = {name for one in command.params for name in one.opts} | {"--help", "-h", "--install-completion", "--show-completion"}
    assert set(words) <= names


@cache
def _described(folder: str) -> dict[str, Any]:
    return create_app(Settings(folder=Path(folder))).openapi()


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    return _described(str(tmp_path_factory.mktemp("described")))


@pytest.mark.parametrize(("page", "words"), ASKED, ids=_id)
def test_a_request_is_one_that_the_service_describes(page: str, words: tuple[str, ...], described: dict[str, Any]) -> None:
    """Path, method, parameters and body of every `curl` of a service."""
    request = request_of(list(words))
    assert request is not None
    operation = _operation(request, described)
    parameters = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    assert {name for name, _ in request.query} <= parameters
    content = operation.get("requestBody", {}).get("content", {})
    if request.body is None:
        assert not operation.get("requestBody", {}).get("required")
    elif not request.body.startswith("@"):
        schema = content["application/json"]["schema"]
        body = json.loads(re.sub(r"(?<!\")\$\w+", '"x"', request.body))
        errors = list(Draft202012Validator({**schema, "components": described["components"]}).iter_errors(body))
        assert [error.message for error in errors] == []


def _operation(request: Request, described: dict[str, Any]) -> dict[str, Any]:
    """The operation of a request; the path with the fewest variables wins, as it does in the service."""
    if request.path in ("/docs", "/redoc", "/openapi.json"):
        return {}
    fitting = [path for path in described["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.path)]
    assert fitting, f"no such path: {request.path}"
    found: dict[str, Any] = described["paths"][min(fitting, key=lambda path: path.count("{"))]
    assert request.method.lower() in found, f"no {request.method} {request.path}"
    operation: dict[str, Any] = found[request.method.lower()]
    return operation


@pytest.mark.parametrize(("page", "words"), sorted({(name, words) for name, words in TYPED if words[0] == "make"}), ids=_id)
def test_a_target_of_make_exists(page: str, words: tuple[str, ...]) -> None:
    """With the variables that stand behind it."""
    for word in words[1:]:
        name, equals, _ = word.partition("=")
        assert name in (VARIABLES if equals else TARGETS)


@pytest.mark.parametrize(("page", "words"), sorted({(name, words) for name, words in TYPED if words[0] == "pip"}), ids=_id)
def test_an_installation_names_extras_that_there_are(page: str, words: tuple[str, ...]) -> None:
    """In `ihas[...]` and `.[...]`."""
    for word in words:
        if found := re.fullmatch(r"(?:ihas|\.|\S+\.whl)\[([\w,]+)\]", word):
            assert set(found[1].split(",")) <= set(PROJECT["optional-dependencies"])


def test_nothing_else_is_typed_than_is_known() -> None:
    """A misspelt program is found; so is one that no test looks at."""
    typed = {Path(words[0]).name for _, words in TYPED}
    assert typed - OTHERS - {"ihas", "curl", "make", "pytest"} == set()


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: f"{block.name}: {block.text.splitlines()[0]}")
def test_a_block_of_toml_is_a_recipe_or_columns(block: Block) -> None:
    """Names and values of settings are right; what a block leaves out is filled with the least that a recipe needs."""
    document = tomllib.loads(block.text)
    if {"project", "recipes"} & set(document):  # a plan: tests/test_plan_blocks.py
        return
    try:
        if set(document) <= set(SchemaConfig.model_fields):
            SchemaConfig.model_validate(document)
            return
        recipe = kind_named(document.get("kind", "grouped")).recipe
        assert recipe is not None
        data = {name: part for name, part in document.get("data", {}).items() if not (name == "columns" and isinstance(part, str))}
        least = {} if {"path", "sql"} & set(data) else {"path": "clicks.csv"}
        columns = {} if {"columns", "interactions", "format"} & set(data) else {"columns": {"label": "click"}}
        recipe.model_validate(document | {"data": {**least, **columns, **data}})
    except ValidationError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("block", blocks("json", "yaml"), ids=lambda block: f"{block.name}: {block.text.splitlines()[0]}")
def test_a_document_can_be_read(block: Block) -> None:
    """JSON and YAML."""
    read = json.loads if block.language == "json" else yaml.safe_load
    assert read(block.text)


RUN_BY = {
    "README.md": "tests/test_python_page.py", "docs/python.md": "tests/test_python_page.py",
    "docs/start/five-minutes.md": "tests/test_start_page.py", "docs/extending.md": "tests/test_extending.py",
    "docs/howto/scikit-learn.md": "tests/test_blocks.py", "docs/service/experiments.md": "tests/test_blocks.py",
}  # fmt: skip
NOT_RUN = {
    "docs/data.md": "a whole fit of a query", "docs/howto/budget.md": "a whole fit",
    "docs/service/client.md": "a whole search; its requests run in the tutorial to-production",
}  # fmt: skip
"""Python that is compiled, and what it would take to run it."""
PYTHON = blocks("python")


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: f"{block.name}: {block.text.splitlines()[0]}")
def test_a_block_of_python_names_what_there_is(block: Block) -> None:
    """It is compiled; names of `ihas` and methods of a client exist."""
    compile(block.text, block.name, "exec")
    assert set(re.findall(r"(?<![\w.])ihas\.([A-Za-z]\w*)\(", block.text)) <= set(ihas.NAMES)
    assert {name for name in re.findall(r"\bclient\.([a-z]\w*)\(", block.text) if not hasattr(ihas.Client, name)} == set()


def test_python_of_every_page_is_run_or_known_not_to_be() -> None:
    """The test that runs a page names it."""
    assert {block.name for block in PYTHON} == {*RUN_BY, *NOT_RUN}
    for page, test in RUN_BY.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


def _python_of(page: str) -> dict[str, Any]:
    """What the blocks of a page define, run in order."""
    names: dict[str, Any] = {}
    for block in PYTHON:
        if block.name == page:
            exec(compile(block.text, page, "exec"), names)
    return names


def test_the_estimate_of_the_page_is_worked_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Off-policy functions answer as the page calls them: one answer with a click, whose items stood where the other version wants them."""
    names = _python_of("docs/service/experiments.md")
    assert len(names["shown"].items) == 2
    assert "effective" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_estimator_of_the_page_works(capsys: pytest.CaptureFixture[str]) -> None:
    """Cross validation tells two clouds apart; a search of parameters and a trial of Optuna set the estimator's own parameter."""
    names = _python_of("docs/howto/scikit-learn.md")
    assert float(capsys.readouterr().out) > 0.8
    assert set(names["choices"]) <= set(names["pipeline"].get_params())
    assert callable(names["objective"])
