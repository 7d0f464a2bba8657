"""Whole small runs whose trainings are spread over a Ray cluster: two machines of one processor each, as processes on 127.0.0.2 and up."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from safetensors.numpy import load_file

from ihas.config.recipe import Recipe
from ihas.config.size_sweep import SizeSweepRecipe
from tests.clock import HANG_S
from tests.pipelines.small_run import small_recipe, start, without_times
from tests.ray_cluster import HEAD_IP, Cluster, environment, running_cluster

pytest.importorskip("ray", reason="ihas[ray] is not installed")
pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.timeout(1_500)]

PORT = 26_399
MACHINES = ("127.0.0.3", "127.0.0.4")
LAST = "last.json"
"""The last line that a run told."""
BUNDLED = (".npy", ".safetensors", ".onnx")
SPREAD = "Training larger models"
"""What a stage says first whose trainings are spread."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Each test leaves it with a head and two machines."""
    with running_cluster(PORT, *MACHINES) as running:
        yield running


@pytest.fixture(scope="module")
def in_threads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run without a cluster."""
    folder = tmp_path_factory.mktemp("threads")
    assert run(folder, environment("none")) == 0, log_of(folder)
    return folder


def run(
    folder: Path, variables: dict[str, str], at_spread: Callable[[], None] | None = None, recipe: Recipe | SizeSweepRecipe | None = None
) -> int:
    """Exit code of a run; `at_spread` is called as the stage begins."""
    process = start(recipe or small_recipe(), folder, variables)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        for line in process.stdout:
            (folder / LAST).write_bytes(line)
            if at_spread is not None and str(orjson.loads(line)["message"]).startswith(SPREAD):
                at_spread()
                at_spread = None
        return process.wait(HANG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    finally:
        process.stdin.close()
        process.stdout.close()
        assert at_spread is None, "the stage did not begin"


def log_of(folder: Path) -> str:
    """The end of what a run wrote to standard error."""
    return (folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-2_000:]


def _stages(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every stage, by the name of its folder, which ends with its key."""
    return {path.parent.name: load_file(path) for path in sorted((folder / "stages").glob("*/arrays.safetensors"))}


def are_equal(folder: Path, other: Path) -> None:
    """Results, but for times, all arrays of all stages, and those of the bundle, to the bit."""
    assert without_times(folder / "result.json") == without_times(other / "result.json")
    own, theirs = _stages(folder), _stages(other)
    assert own.keys() == theirs.keys()
    assert len(own) > 5
    for stage, arrays in own.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, theirs[stage][name], err_msg=f"{stage} {name}")
    assert _bundle(folder) == _bundle(other)


def _bundle(folder: Path) -> dict[str, bytes]:
    """Files of arrays and of networks by their names."""
    found = {path.relative_to(folder).as_posix(): path for path in (folder / "bundle").rglob("*") if path.suffix in BUNDLED}
    assert found
    return {name: path.read_bytes() for name, path in found.items()}


def test_a_run_on_two_machines_equals_that_of_threads(cluster: Cluster, in_threads: Path, tmp_path: Path) -> None:
    """To the bit: result, models, groups, towers."""
    assert run(tmp_path, cluster.variables()) == 0, log_of(tmp_path)
    are_equal(tmp_path, in_threads)


def test_the_sizes_of_a_sweep_are_trained_on_the_machines(cluster: Cluster, tmp_path: Path) -> None:
    """What they come to is equal to the bit, and every size is told of once."""
    walks = [" ".join(f"i{(start + place) % 9}" for place in range(6)) for start in np.random.default_rng(0).integers(9, size=30)]
    (tmp_path / "walks.txt").write_text("\n".join(f"u{number} {walk}" for number, walk in enumerate(walks)) + "\n")
    plan = {
        "sizes": [[1, 8, 1], [1, 4, 2]],
        "seeds": [0, 1],
        "transformer": {"max_length": 6},
        "training": {"batch_targets": 64, "epochs": 1},
    }
    data = {"path": str(tmp_path / "walks.txt"), "format": "sequences"}
    recipe = SizeSweepRecipe.model_validate({"kind": "size-sweep", "name": "sweep", "data": data, "learning": plan})
    for name, variables in (("threads", environment("none")), ("cluster", cluster.variables())):
        assert run(tmp_path / name, variables, recipe=recipe) == 0, log_of(tmp_path / name)

    own, theirs = (_sizes(tmp_path / name / "ladder.json") for name in ("cluster", "threads"))
    assert own == theirs
    assert len(own) == 4


def _sizes(path: Path) -> dict[str, object]:
    """Trained sizes by what tells them apart, without the times that were measured."""
    sizes = orjson.loads(path.read_bytes())["rungs"]
    return {f"{one['dim']}, {one['seed']}": {name: value for name, value in one.items() if name != "seconds"} for one in sizes}


def test_a_machine_that_is_killed_changes_nothing(cluster: Cluster, in_threads: Path, tmp_path: Path) -> None:
    """The other one carries out what ran there."""
    code = run(tmp_path, cluster.variables(), cluster.nodes[MACHINES[0]].kill)
    cluster.start_machine(MACHINES[0])

    assert code == 0, log_of(tmp_path)
    are_equal(tmp_path, in_threads)


def test_a_run_whose_head_is_killed_goes_on_with_another(cluster: Cluster, in_threads: Path, tmp_path: Path) -> None:
    """The last test. The run says so in one line; finished stages stay, and the next attempt ends as it would have."""
    code = run(tmp_path, cluster.variables(), cluster.nodes[HEAD_IP].kill)
    said = orjson.loads((tmp_path / LAST).read_bytes())
    kept = _stages(tmp_path)
    for node in cluster.nodes.values():
        node.kill()

    assert code != 0
    assert said["outcome"] == "failed"
    assert said["error"]["code"] == "machine"
    assert re.match(r"The Ray head (at|must answer at) 127", said["error"]["detail"]), said  # lost under way, or between two stages
    assert any(name.startswith("base-") for name in kept)
    assert run(tmp_path, environment("none")) == 0, log_of(tmp_path)
    are_equal(tmp_path, in_threads)
