"""What no single module can promise: who imports whom, how long files are, and that everything says what it is."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from importlinter import cli
from pydantic import BaseModel

import ihas
import ihas_pipelines
import ihas_service

ROOT = Path(__file__).parent.parent
MAX_LINES = 400
SOURCES = sorted(path for folder in ("ihas", "pipelines", "service", "tests") for path in (ROOT / folder).rglob("*.py"))
TESTS = [path for path in SOURCES if path.name.startswith("test_")]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _silent(module: ModuleType) -> Iterator[str]:
    """What is public in a module and has no docstring, neither its own nor one from the class that it inherits from."""
    if not module.__doc__:
        yield module.__name__
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(member) or inspect.isfunction(member):
            yield from [] if member.__doc__ else [f"{module.__name__}.{name}"]
        if inspect.isclass(member):
            methods = [part for part, value in vars(member).items() if inspect.isfunction(value) and not part.startswith("_")]
            yield from (f"{module.__name__}.{name}.{part}" for part in methods if not inspect.getdoc(getattr(member, part)))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    without = () if find_spec("ray") else ("ihas.training.on_ray",)  # the one module that an extra's package is imported by as a whole
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__") and found.name not in without:
            yield importlib.import_module(found.name)


def _models() -> list[type[BaseModel]]:
    modules = [module for package in (ihas, ihas_pipelines, ihas_service) for module in _modules(package)]
    members = [member for module in modules for _, member in inspect.getmembers(module, inspect.isclass)]
    return sorted(
        {m for m in members if issubclass(m, BaseModel) and m.__module__.split(".")[0] in ("ihas", "ihas_pipelines", "ihas_service")},
        key=str,
    )


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every import contract of pyproject.toml is kept."""
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports(config_filename="pyproject.toml", cache_dir=None) == cli.EXIT_STATUS_SUCCESS


def test_one_module_imports_ray() -> None:
    """Whatever the library, the pipelines and the service train on, one file knows how to speak to a cluster; the linter says so too."""
    sources = [path for path in SOURCES if path.parts[len(ROOT.parts)] != "tests"]
    imports = {path: re.findall(r"^ *(?:from|import) ray\b", path.read_text(encoding="utf-8"), re.MULTILINE) for path in sources}
    assert [_name(path) for path, found in imports.items() if found] == ["ihas/training/on_ray.py"]


def test_no_file_is_too_long() -> None:
    """No Python file has more than 400 lines."""
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.tf
def test_every_setting_and_wire_field_is_described() -> None:
    """Every field of every pydantic model has a description."""
    models = _models()
    assert len(models) > 20
    assert [f"{model.__name__}.{name}" for model in models for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.tf
@pytest.mark.parametrize("package", [ihas, ihas_pipelines, ihas_service])
def test_everything_public_has_a_docstring(package: ModuleType) -> None:
    """Every module, public function, class and method says what it is."""
    assert [name for module in _modules(package) if not hasattr(module, "__path__") for name in _silent(module)] == []


def test_every_test_says_a_sentence() -> None:
    """Every test function has a docstring."""
    silent = []
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node):
                silent.append(f"{_name(path)}:{node.lineno} {node.name}")
    assert silent == []


def test_package_init_files_hold_at_most_a_docstring() -> None:
    """Names are imported from the module that defines them, so package files define none but `ihas`, whose names are looked up."""
    for path in (path for path in SOURCES if path.name == "__init__.py" and path.parent != ROOT / "ihas"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body), _name(path)


def test_no_graph_depends_on_rewritten_source() -> None:
    """Every `tf.function` says `autograph=False`: rewriting can fail silently under a newer Python, and `if` then meets a tensor."""
    rewritten = []
    for path in [*SOURCES, *(ROOT / "docs").rglob("*.py")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        plain = {id(node.func) for node in nodes if isinstance(node, ast.Call) and _without_rewriting(node)}
        rewritten += [f"{_name(path)}:{node.lineno}" for node in nodes if _is_tf_function(node) and id(node) not in plain]
    assert rewritten == []


def _is_tf_function(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "function" and isinstance(node.value, ast.Name) and node.value.id == "tf"


def _without_rewriting(call: ast.Call) -> bool:
    return any(word.arg == "autograph" and isinstance(word.value, ast.Constant) and word.value.value is False for word in call.keywords)


@pytest.mark.parametrize("lock", ["development", "full", "serving"])
def test_every_python_has_the_same_versions(lock: str) -> None:
    """A lock file names each package once, so that no Python computes with another NumPy than the others."""
    lines = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8").splitlines()
    packages = [line.partition("==")[0] for line in lines if "==" in line and line[0].isalnum()]
    assert len(packages) > 50
    assert sorted(name for name, times in Counter(packages).items() if times > 1) == []


def test_tensorflow_is_imported_in_one_place() -> None:
    """Only `ihas.legacy_keras` imports TensorFlow, because the legacy mode is set first; the benchmark measures Keras 3 in a child."""
    importers = {
        _name(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.split(".")[0] in ("tensorflow", "tf_keras", "keras", "tensorflow_recommenders")
    }
    assert importers == {"ihas/legacy_keras.py", "pipelines/benchmarks/training.py"}
