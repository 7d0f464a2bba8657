"""A run of the coupon recipe with few epochs, as a child process: real data, real stages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson
from safetensors.numpy import load_file

from ihas.config.backbone import BackboneConfig
from ihas.config.cluster import ClusterConfig
from ihas.config.distil import DistilConfig
from ihas.config.evaluate import EvaluateConfig
from ihas.config.learning import LearningConfig
from ihas.config.recipe import Recipe
from ihas.config.retrain import RetrainConfig
from ihas.config.retrieval import RetrievalConfig
from ihas.config.search import SearchConfig
from ihas.config.size_sweep import SizeSweepRecipe
from ihas.config.training import TrainingConfig
from ihas_pipelines.kinds.recipe_file import read_recipe
from tests.clock import HANG_S

ROOT = Path(__file__).parents[2]
COUPON = ROOT / "pipelines" / "recipes" / "coupon.toml"


def small_recipe() -> Recipe:
    """The coupon recipe, cut down to seconds."""
    learning = LearningConfig(
        backbone=BackboneConfig(batch_norm=False),
        training=TrainingConfig(embedding_dim=4, batch_size=1024, learning_rate=0.02, embedding_l2=1e-4, epochs=2),
        distil=DistilConfig(members=2),
        search=SearchConfig(epochs=2),
        cluster=ClusterConfig(num_groups=(2,), on=("masked",), thresholds=(0.3, 0.6)),
        retrain=RetrainConfig(epochs=1),
        evaluate=EvaluateConfig(controls=False),
        retrieval=RetrievalConfig(when="always", width=4, hidden=8, epochs=1),
    )
    return read_recipe(COUPON).model_copy(update={"learning": learning})


def start(recipe: Recipe | SizeSweepRecipe, folder: Path, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """The run as a child process, in this one's environment or another; its standard output is progress lines, one JSON object each."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.json"
    path.write_text(recipe.model_dump_json())
    command = [sys.executable, "-m", "ihas_pipelines", "run", "--recipe", str(path), "--folder", str(folder)]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=variables)


def finish(process: subprocess.Popen[bytes]) -> list[dict[str, object]]:
    """All progress lines of a run that is left alone."""
    assert process.stdout is not None
    assert process.stdin is not None
    lines = [orjson.loads(line) for line in process.stdout]  # its standard input stays open: closing that would stop it
    process.wait(timeout=HANG_S)
    process.stdin.close()
    process.stdout.close()
    return lines


def kill_in(process: subprocess.Popen[bytes], stage: str) -> None:
    """SIGKILL as soon as the run says that it is in the stage."""
    assert process.stdout is not None
    for line in process.stdout:
        if orjson.loads(line)["stage"] == stage:
            process.kill()
            break
    process.communicate()


def without_times(path: Path) -> object:
    """A result, or a bundle's summary, without the times that were measured."""
    found = orjson.loads(path.read_bytes())
    del found["seconds"]
    for point in found["frontier"]:
        del point["row_p99_us"], point["candidates_p99_us"]
    return found


def arrays(folder: Path, stage: str) -> dict[str, np.ndarray]:
    """The arrays that a stage left in a run folder."""
    (stage_folder,) = [path for path in (folder / "stages").iterdir() if path.name.rsplit("-", 1)[0] == stage]
    return load_file(stage_folder / "arrays.safetensors")
