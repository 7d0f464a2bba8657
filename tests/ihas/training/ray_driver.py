"""A run's process that trains four small models on whatever `IHAS_RAY_ADDRESS` says, and prints what came of them as JSON.

Usage: python -m tests.ihas.training.ray_driver FOLDER PLAN [MACHINES]

PLAN is `plain`, `failing` (the second training raises) or `gated`: after its second epoch each training waits for a file FOLDER/go.
Each training leaves a file FOLDER/NAME.PID of the process that it began in. MACHINES carry out each together.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.mapped import load_mapped, scratch_in
from ihas.data.synthetic import make_tribes
from ihas.errors import IhasError
from ihas.results.run_result import EpochMetrics
from ihas.training.parallel import on_machines, train_in_parallel
from ihas.training.plain import PlainModel, train_plain
from ihas.training.trainer import EpochListener

NAMES, EPOCHS = ("0", "1", "2", "3"), 3
CONFIG = LearningConfig(
    backbone=BackboneConfig(hidden=(16, 8), dropout=0.2), training=TrainingConfig(epochs=EPOCHS, patience=EPOCHS, embedding_l2=1e-4)
)


def main(folder: Path, plan: str, machines: int) -> None:
    """Train and print."""
    parts, heard = _parts(folder), list[EpochMetrics]()
    trainings = [partial(_train, folder, plan, parts, name) for name in NAMES]
    try:
        with scratch_in(folder), on_machines(machines):
            models = train_in_parallel(trainings, parts.train, CONFIG, heard.append)
    except (IhasError, ArithmeticError) as error:
        _print({"error": type(error).__name__, "detail": str(error)})
        return
    losses = [[epoch.loss for epoch in model.history] for model in models]
    told = {name: [epoch.epoch for epoch in heard if epoch.model == name] for name in NAMES}
    _print({"digests": list(map(_digest, models)), "heard": told, "losses": losses})


def _train(folder: Path, plan: str, parts: Splits, name: str, listen: EpochListener) -> PlainModel:
    (folder / f"{name}.{os.getpid()}").touch()
    if plan == "failing" and name == "1":
        raise ArithmeticError("the loss is not finite")

    def told(figures: EpochMetrics) -> None:
        listen(figures)
        if plan != "plain" and figures.epoch == 2:
            (folder / f"{name}.waits").touch()
            while not (folder / "go").exists():
                Event().wait(0.02)

    return train_plain(parts, CONFIG, name, told)


def _parts(folder: Path) -> Splits:
    """Training rows mapped from a file of the folder, validation rows in memory."""
    made, path = make_tribes(np.random.default_rng(0), 2, (3_000, 500, 1)).parts, folder / "ids.npy"
    if not path.exists():
        np.save(path, made.train.ids)
    return Splits(Dataset(made.train.layout, load_mapped(path), made.train.labels), made.valid, made.test)


def _digest(model: PlainModel) -> str:
    found = hashlib.sha256(model.weights.table.tobytes())
    for name in sorted(model.weights.backbone):
        found.update(model.weights.backbone[name].tobytes())
    found.update(json.dumps([epoch.model_dump(mode="json") for epoch in model.history]).encode())
    return found.hexdigest()


def _print(found: object) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
