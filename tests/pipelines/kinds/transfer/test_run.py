"""Transfer between domains: a gain that is there by construction, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ihas.config.size_sweep import TransferRecipe
from ihas_pipelines.kinds.recipe_file import read_of_kind
from ihas_pipelines.kinds.transfer.run import SHARES, carry_out
from ihas_pipelines.kinds.transfer.values import Transfer
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.reporter import Reporter
from tests.paths import ROOT

pytestmark = pytest.mark.tf

RECIPES = ROOT / "pipelines" / "recipes" / "transfer"


@pytest.mark.slow
def test_what_the_other_domain_tells_is_gained(tmp_path: Path) -> None:
    """Every second item is told by the one before it alone: where that is of the other half, only both know it."""
    rng = np.random.default_rng(0)
    lines = []
    for user in range(400):
        told = rng.permutation(20)[:6]
        lines.append(f"u{user} " + " ".join(f"hint{one} item{one}" for one in told))
    (tmp_path / "taken.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "transfer.toml").write_text(
        'kind = "transfer"\n[data]\npath = "taken.txt"\nformat = "sequences"\n'
        "[learning.transformer]\nnum_layers = 1\ndim = 16\ndropout_first = 0.0\n"
        "[learning.training]\nepochs = 12\nbatch_targets = 128\nlearning_rate = 0.01\nseed = 3\n"
    )
    heard: list[Progress] = []
    found = carry_out(read_of_kind(tmp_path / "transfer.toml", TransferRecipe), Reporter(heard.append, SHARES))
    assert (found.task, found.gain > 0.1, found.difference.low > 0.0) == ("mixed", True, True)
    assert list(dict.fromkeys(line.stage for line in heard)) == ["reading", "base", "evaluate"]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    """Mixed domains are the halves of one file, disjoint ones two files."""
    assert (read_of_kind(path, TransferRecipe).other is None) == (path.stem == "mixed")


def _recipe(folder: Path, training: str) -> Path:
    lines = [f"u{user} " + " ".join(f"i{(user + place) % 7}" for place in range(6)) for user in range(20)]
    (folder / "taken.txt").write_text("\n".join(lines) + "\n")
    (folder / "transfer.toml").write_text(
        'kind = "transfer"\n[data]\npath = "taken.txt"\nformat = "sequences"\n[learning.transformer]\nnum_layers = 1\ndim = 4\n'
        f"[learning.training]\nepochs = 1\n{training}[run]\nnum_threads = 1\n"
    )
    return folder / "transfer.toml"


def _command(recipe: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own: TensorFlow takes its number of threads once."""
    arguments = ("--recipe", str(recipe), "--folder", str(folder))
    return subprocess.run([sys.executable, "-m", "ihas_pipelines", "run", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_writes_what_it_found(tmp_path: Path) -> None:
    """A recipe is carried out, `transfer.json` holds what the last line says, and the status is 0."""
    answer = _command(_recipe(tmp_path, ""), tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    found = Transfer.model_validate_json((tmp_path / "out" / "transfer.json").read_bytes())
    assert (json.loads(answer.stdout.splitlines()[-1])["message"], found.task) == (found.verdict, "mixed")


@pytest.mark.slow
def test_a_training_that_fails_is_a_message_and_a_status(tmp_path: Path) -> None:
    """A learning rate that ends in no numbers is 5 and the reason, without a traceback, and nothing is written."""
    answer = _command(_recipe(tmp_path, 'learning_rate = 1e30\nstop_by = "loss"\n'), tmp_path / "out")
    assert (answer.returncode, (tmp_path / "out").exists()) == (5, False)
    assert "Lower the learning rate" in json.loads(answer.stdout.splitlines()[-1])["error"]["detail"]
    assert "Traceback" not in answer.stderr
