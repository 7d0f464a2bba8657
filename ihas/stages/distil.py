"""Distillation: the groups' models learn from the answers of a teacher, an ensemble of plain models, instead of the clicks alone.

    teacher   t(row) = sigmoid(mean over members of their logits)
    rows      the training rows, and augmented copies of them (distil_rows.py), all labelled by the teacher: the distillation set
    student   min BCE(student(row), t(row)) over these rows

A click is one bit about one row; a teacher's answer says how likely it was, and can be asked about any row. So a model
of the plain one's size learns more of the same table. A member has the backbone of the plain model (`deepfm` for `lr` and `fm`), with
hidden layers no smaller than `distil.hidden`: what no member can tell, no gate could learn from them. Source: distillation from
Hinton, Vinyals and Dean 2015, from several models for clicks from Zhu et al. (CIKM 2020); augmented rows and choice of
members are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.mapped import spans
from ihas.metrics import row_losses, sigmoid
from ihas.models.network import Network, NetworkWeights
from ihas.models.prediction import GroupedRows, predict
from ihas.results.run_result import EpochMetrics
from ihas.seeding import generator
from ihas.stages.distil_rows import BLOCK_ROWS, copies_for, distillation_ids
from ihas.training.parallel import train_in_parallel
from ihas.training.plain import PlainModel, train_plain
from ihas.training.trainer import EpochListener

SHALLOW = ("lr", "fm")


@dataclass(frozen=True)
class Distilled:
    """A teacher's answers, and the plain model that learnt from them.

    Attributes:
        student: its parameters.
        labels: float32 (rows of the distillation set,). The teacher's probability of a click; the training rows come first.
        num_members: models in the teacher.
        valid_logits: float32 (validation rows,). The teacher's answers.
        test_logits: float32 (test rows,). The teacher's answers.
        history: epochs of the members that were trained for it, and of the student.
    """

    student: NetworkWeights
    labels: np.ndarray
    num_members: int
    valid_logits: np.ndarray
    test_logits: np.ndarray
    history: tuple[EpochMetrics, ...]


def distil(parts: Splits, candidates: tuple[NetworkWeights, ...], config: LearningConfig, listen: EpochListener) -> Distilled | None:
    """Gather a teacher, ask it, and train the student; None where the teacher fits validation rows no better than the plain model.

    Args:
        parts: encoded rows.
        candidates: plain models that are there already, the best first; members where they are as large as a member must be.
        config: settings.
        listen: told of every epoch.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    teacher = teacher_config(config)
    members = _useful(candidates, parts.valid, config)[: config.distil.members] if teacher == config else ()
    names = [f"teacher/{number}" for number in range(len(members), config.distil.members)]
    added = train_in_parallel([partial(train_plain, parts, teacher, name) for name in names], parts.train, teacher, listen)
    weights = (*members, *(model.weights for model in added))
    valid_logits = _mean_logits(weights, parts.valid, teacher)
    if _loss(valid_logits, parts.valid) >= _loss(_mean_logits(candidates[:1], parts.valid, config), parts.valid):
        return None
    ids = _distillation_ids(parts.train, config)
    unlabelled = Dataset(parts.train.layout, ids, np.zeros(len(ids), np.float32))
    labelled = replace(unlabelled, labels=_probabilities(_mean_logits(weights, unlabelled, teacher)))
    student = train_plain(replace(parts, train=labelled), student_config(config), "student", listen)
    return Distilled(
        student=student.weights,
        labels=labelled.labels,
        num_members=len(weights),
        valid_logits=valid_logits,
        test_logits=_mean_logits(weights, parts.test, teacher),
        history=_histories((*added, student)),
    )


def distillation_splits(parts: Splits, labels: np.ndarray, config: LearningConfig) -> Splits:
    """The splits with the distillation set for training: the teacher's labels, float32 (rows,), on training rows and augmented ones."""
    return replace(parts, train=Dataset(parts.train.layout, _distillation_ids(parts.train, config), labels))


def teacher_config(config: LearningConfig) -> LearningConfig:
    """The settings of a member: hidden layers no smaller than `distil.hidden`, and these where there are none."""
    least, heads = config.distil.hidden, config.backbone.fusion_heads
    kind = "deepfm" if config.backbone.kind in SHALLOW else config.backbone.kind
    read = ("hidden", "second_hidden") if kind == "finalmlp" else ("hidden",)
    layers = {name: _raised(getattr(config.backbone, name), least) for name in read}
    if kind == "finalmlp":
        layers = {name: (*units[:-1], -(-units[-1] // heads) * heads) for name, units in layers.items()}
    return config.model_copy(update={"backbone": config.backbone.model_copy(update={**layers, "kind": kind})})


def _raised(hidden: tuple[int, ...], least: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(units, bound) for units, bound in zip_longest(hidden, least[: len(hidden)], fillvalue=1)) if hidden else least


def student_config(config: LearningConfig) -> LearningConfig:
    """The settings under a teacher: its labels leave less to overfit, so the L2 weight is `distil.l2_factor` of the plain model's."""
    return config.with_training(embedding_l2=config.training.l2 * config.distil.l2_factor)


def _distillation_ids(train: Dataset, config: LearningConfig) -> np.ndarray:
    copies = copies_for(len(train)) if config.distil.copies is None else config.distil.copies
    return distillation_ids(train, copies, config.distil.swap_fraction, generator(config.seed, "swapped rows"))


def _useful(candidates: tuple[NetworkWeights, ...], valid: Dataset, config: LearningConfig) -> tuple[NetworkWeights, ...]:
    """Candidates, in order, each taken only where it lowers the log-loss of the mean of those before it."""
    chosen: list[NetworkWeights] = []
    total, best = np.zeros(len(valid), np.float32), np.inf
    for weights in candidates:
        answers = total + _mean_logits((weights,), valid, config)
        loss = _loss(answers / (len(chosen) + 1), valid)
        if loss < best:
            chosen, total, best = [*chosen, weights], answers, loss
    return tuple(chosen)


def _mean_logits(members: tuple[NetworkWeights, ...], rows: Dataset, config: LearningConfig) -> np.ndarray:
    network = Network(rows.layout, config.backbone, config.training.embedding_dim)
    total = np.zeros(len(rows), np.float32)
    for weights in members:
        network.assign(weights)
        total += predict(network, GroupedRows.one_group(rows))
    return np.asarray(total / len(members), np.float32)


def _probabilities(logits: np.ndarray) -> np.ndarray:
    probabilities = np.empty_like(logits)
    for block in spans(len(logits), BLOCK_ROWS):
        probabilities[block] = sigmoid(logits[block])
    return probabilities


def _loss(logits: np.ndarray, rows: Dataset) -> float:
    return float(row_losses(logits, rows.labels).mean())


def _histories(models: tuple[PlainModel, ...]) -> tuple[EpochMetrics, ...]:
    return tuple(epoch for model in models for epoch in model.history)
