"""The distribution: its metadata, and what a wheel does beside a project that has packages `pipelines` and `service`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clock import HANG_S
from tests.paths import COUPON, ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [sys.executable, *filter(None, os.environ.get("IHAS_TEST_PYTHONS", "").split(os.pathsep))]
"""The running Python, with the packages installed for it, and those that IHAS_TEST_PYTHONS names, whose packages come from an index."""
THEIRS = "raise SystemExit('another project ran')"


def test_a_version_is_the_same_everywhere() -> None:
    """pyproject.toml, the newest entry of the changelog and the citation name one version and one day."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert released is not None
    assert (released[1], released[1], released[2]) == (PROJECT["version"], cited["version"], cited["date-released"])
    assert changelog.index("## [Unreleased]") < released.start()
    assert cited["license"] == PROJECT["license"] == "Apache-2.0"


def test_locks_hold_what_the_extras_promise() -> None:
    """The full image has every extra; the one that serves has all but training, databases and clusters."""
    extras: Mapping[str, list[str]] = PROJECT["optional-dependencies"]
    for lock, left_out in (("development", ()), ("full", ()), ("serving", ("train", "sql", "ray"))):
        locked = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
        wanted = {_name(line) for extra, lines in extras.items() if extra not in ("all", *left_out) for line in lines}
        assert {name for name in wanted if f"\n{name}==" not in locked} == set(), lock
    assert "\ntensorflow==" not in (ROOT / "requirements" / "serving.lock").read_text(encoding="utf-8")


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)], ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    _run(["tar", "xf", str(sdist)], folder)
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], folder / sdist.name.removesuffix(".tar.gz"))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of somebody else's project, whose packages end whoever imports them for ours."""
    for name in ("pipelines", "service"):
        (tmp_path / "theirs" / name).mkdir(parents=True)
        (tmp_path / "theirs" / name / "__init__.py").write_text(THEIRS, encoding="utf-8")
    return tmp_path / "theirs"


@pytest.mark.slow
def test_a_wheel_is_whole(built: Path) -> None:
    """It has the typed marker of every package, the demo's data with their licence, pages and plots, and our notice; no tests."""
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert len(packages) == 3
    assert {name for name in packages if f"{name}/py.typed" not in names} == set()
    held = [name for name in names if "/recipes/data/coupon/" in name]
    assert {Path(name).name for name in held} == {path.name for path in COUPON.iterdir()}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    metadata = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert {f"Provides-Extra: {extra}" for extra in PROJECT["optional-dependencies"]} <= set(metadata.splitlines())


@pytest.mark.slow
def test_a_serving_installation_says_that_it_only_serves(built: Path, project: Path, tmp_path: Path) -> None:
    """Without packages to train: `--version`, a doctor that names what is missing with its extra, and a service that says so."""
    ihas = _installed(built, tmp_path / "env", _serving_packages(tmp_path / "packages"))
    assert _run([ihas, "--version"], project) == f"ihas {PROJECT['version']}\n"
    doctor = _run([ihas, "doctor", "--port", "0", "--folder", str(tmp_path / "files")], project)
    assert "tensorflow" in doctor
    assert "ihas[train]" in doctor
    said = _said([ihas, "up", "--port", "0", "--folder", str(tmp_path / "files")], project, "worker started", signal.SIGTERM)
    assert "only serves" in said[0]
    assert "another project ran" not in "".join(said)


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: Path(python).parent.parent.name)
@pytest.mark.timeout(1800)
def test_a_wheel_lives_beside_a_project_with_packages_of_the_same_names(python: str, built: Path, project: Path, tmp_path: Path) -> None:
    """From that project's folder: the version, a doctor without a fault, and a demo that finds its data and searches."""
    packages = [Path(sysconfig.get_path("purelib"))] if python == sys.executable else None
    ihas = _installed(built, tmp_path / "env", packages, python)
    assert _run([ihas, "--version"], project) == f"ihas {PROJECT['version']}\n"
    assert "ihas[train]  missing" not in _run([ihas, "doctor", "--port", "0", "--folder", str(tmp_path / "files")], project)
    said = _said([ihas, "demo", "--folder", str(tmp_path / "demo")], project, "distil:", signal.SIGINT)
    assert "another project ran" not in "".join(said)
    assert "Finished and kept" in said[-1]


@pytest.mark.slow
def test_the_first_page_says_where_a_wheel_has_its_table(built: Path, project: Path, tmp_path: Path) -> None:
    """Its command copies the installed coupon data to where the page's Python and HTTP read them."""
    page = (ROOT / "docs" / "start" / "five-minutes.md").read_text(encoding="utf-8")
    command = re.search(r"^cp -r .*$", page, re.MULTILINE)
    table = re.search(r'^table = "(.*)"$', page, re.MULTILINE)
    assert command is not None
    assert table is not None
    ihas = _installed(built, tmp_path / "env", [Path(sysconfig.get_path("purelib"))])
    _run(["bash", "-c", f"PATH={Path(ihas).parent}:$PATH; {command[0]}"], project)
    assert (project / table[1]).is_file()


@pytest.mark.slow
def test_inside_that_project_our_names_are_ours_and_theirs_are_theirs(built: Path, project: Path, tmp_path: Path) -> None:
    """`import ihas` in a script of the project, whose folder comes first on the path, reaches our code; `import service` reaches theirs."""
    ihas = _installed(built, tmp_path / "env", [Path(sysconfig.get_path("purelib"))])
    python = str(Path(ihas).with_name("python"))
    code = "import ihas; print(ihas.Client.__module__, ihas.fit.__module__)"
    assert _run([python, "-c", code], project) == "ihas_service.client.client ihas_service.python.fitting\n"
    for name in ("pipelines", "service"):
        done = subprocess.run([python, "-c", f"import {name}"], cwd=project, env=_environment(), capture_output=True, text=True)
        assert "another project ran" in done.stderr


RECIPE = """
name = "shop"
[data]
path = "clicks.csv"
columns = { label = "click", item_id = "item" }
[learning]
members = { counts = [], larger = [] }
distil = { members = 0 }
search = { epochs = 1 }
cluster = { num_groups = [2], on = ["masked"], thresholds = [0.5] }
retrain = { epochs = 1 }
evaluate = { controls = false }
training = { embedding_dim = 4, batch_size = 256, learning_rate = 0.02, embedding_l2 = 1e-4, epochs = 2 }
"""
SERVES = """
import ihas, sys
model = ihas.load("runs/shop")
print(model.recommend({"town": "Kiel"}, k=1).items[0].id)
assert not {"pipelines", "service", "tensorflow"} & set(sys.modules)
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_whole_search_of_a_wheel_runs_inside_that_project(built: Path, project: Path, tmp_path: Path) -> None:
    """All stages, the report, recommendations by command and by a script of the project; nothing of the project's packages is run."""
    rows = [(("Bonn", "Kiel")[n % 2], f"i{n // 2 % 6}", int((n // 2 + n) % 2 == 0 or n % 7 == 0)) for n in range(1_200)]
    (project / "clicks.csv").write_text("town,item,click\n" + "".join(f"{town},{item},{click}\n" for town, item, click in rows))
    (project / "shop.toml").write_text(RECIPE, encoding="utf-8")
    (project / "script.py").write_text(SERVES, encoding="utf-8")
    ihas = _installed(built, tmp_path / "env", [Path(sysconfig.get_path("purelib"))])
    printed = _run([ihas, "search", "shop.toml", "--folder", "runs/shop"], project)
    assert "base" in printed
    assert {"bundle", "result.json", "report.html"} <= {path.name for path in (project / "runs" / "shop").iterdir()}
    best = json.loads(_run([ihas, "recommend", "runs/shop", "--context", '{"town": "Kiel"}', "--k", "1", "--output", "json"], project))
    said = _run([str(Path(ihas).with_name("python")), "script.py"], project)
    assert said == f"{best['items'][0]['id']}\n"


def _said(command: list[str], folder: Path, words: str, ends: signal.Signals) -> list[str]:
    """Lines of a command that is ended with a signal once it said the words; fails where it ends before."""
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, env=_environment(), text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if words in line:
                break
        process.send_signal(ends)
        said.extend(process.communicate(timeout=HANG_S)[1].splitlines())
    assert words in "".join(said)
    return said


def _installed(built: Path, folder: Path, packages: Iterable[Path] | None, python: str = sys.executable) -> str:
    """The command `ihas` of the wheel in an environment of its own, which sees packages of folders; None: from an index, by the lock."""
    _run([python, "-m", "venv", str(folder)], built)
    own = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    if packages is None:
        lock = str(ROOT / "requirements" / "full.lock")
        _run([str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock], built)
    else:
        (place,) = folder.glob("lib/python*/site-packages")
        (place / "theirs.pth").write_text("".join(f"{path}\n" for path in packages), encoding="utf-8")
    _run([str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", str(wheel)], built)
    return str(folder / "bin" / "ihas")


def _serving_packages(folder: Path) -> list[Path]:
    """A folder of links to the installed packages of the serving lock, and to no others."""
    folder.mkdir()
    for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "serving.lock").read_text(encoding="utf-8"), re.MULTILINE):
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another Python or another system
            continue
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return [folder]


def _run(command: list[str], folder: Path) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    """The environment without the settings and paths of the tests."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("IHAS_")}
