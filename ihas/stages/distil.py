"""Distillation: the groups' models learn from the answers of a teacher, an ensemble of plain models, instead of the clicks alone.

    teacher   t(row) = sigmoid(mean over members of their logits)
    rows      the training rows, and augmented copies of them (distil_rows.py), all labelled by the teacher: the distillation set
    student   min BCE(student(row), t(row)) over these rows

A click is one bit about one row; a teacher's answer says how likely it was, and can be asked about any row. So a model
of the plain one's size learns more of the same table. A member has the backbone of the plain model (`deepfm` for `lr` and `fm`), with
hidden layers no smaller than `distil.hidden`: what no member can tell, no gate could learn from them. Members are trained together, as
one model that can be served itself (ihas/models/ensemble.py). Source: distillation from Hinton, Vinyals and Dean 2015, from several
models for clicks from Zhu et al. (CIKM 2020); augmented rows are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from ihas.training.plain import train_plain
from ihas.training.steps import Steps
from ihas.training.trainer import EpochListener

SHALLOW = ("lr", "fm")
STUDENT = "student"


@dataclass(frozen=True)
class Distilled:
    """A teacher's answers, and the plain model that learnt from them.

    Attributes:
        student: its parameters.
        teacher: the teacher's parameters, under `teacher_config`.
        labels: float32 (rows of the distillation set,). The teacher's probability of a click; the training rows come first.
        history: epochs of the teacher and of the student.
        courses: how the teacher came to its weights; empty in results of an earlier version.
    """

    student: NetworkWeights
    teacher: NetworkWeights
    labels: np.ndarray
    history: tuple[EpochMetrics, ...]
    courses: tuple[Steps, ...] = ()

    @property
    def score(self) -> float:
        """Best validation AUC of the student's epochs."""
        return max(epoch.auc for epoch in self.history if epoch.model == STUDENT)


def distil(
    parts: Splits, plain: NetworkWeights, settings: LearningConfig, config: LearningConfig, listen: EpochListener
) -> Distilled | None:
    """Train a teacher, ask it, and train the student; None where the teacher fits validation rows no better than the plain model.

    Args:
        parts: encoded rows.
        plain: the plain model.
        settings: the plain model's, from which the teacher's follow.
        config: settings of the student and of everything after it.
        listen: told of every epoch.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    of_teacher = teacher_config(settings)
    teacher = train_plain(parts, of_teacher, "teacher", listen)
    if _loss(_logits(teacher.weights, parts.valid, of_teacher), parts.valid) >= _loss(_logits(plain, parts.valid, settings), parts.valid):
        return None
    ids = _distillation_ids(parts.train, config)
    unlabelled = Dataset(parts.train.layout, ids, np.zeros(len(ids), np.float32), _weights(parts.train, len(ids)))
    labelled = replace(unlabelled, labels=_probabilities(_logits(teacher.weights, unlabelled, of_teacher)))
    student = train_plain(replace(parts, train=labelled), student_config(config), STUDENT, listen)
    return Distilled(student.weights, teacher.weights, labelled.labels, (*teacher.history, *student.history), teacher.courses)


def distillation_splits(parts: Splits, labels: np.ndarray, config: LearningConfig) -> Splits:
    """The splits with the distillation set for training: the teacher's labels, float32 (rows,), on training rows and augmented ones."""
    weights = _weights(parts.train, len(labels))
    return replace(parts, train=Dataset(parts.train.layout, _distillation_ids(parts.train, config), labels, weights))


def _weights(train: Dataset, count: int) -> np.ndarray | None:
    """Weights of the distillation set: an augmented row has that of the row it was made from."""
    return None if train.weights is None else np.tile(train.weights, count // len(train))


def teacher_config(config: LearningConfig) -> LearningConfig:
    """The settings of the teacher, from the plain model's: members with hidden layers no smaller than `distil.hidden`."""
    members, dim = config.distil.members, config.training.embedding_dim // config.backbone.members
    kind = "deepfm" if config.backbone.kind in SHALLOW else config.backbone.kind
    backbone = config.backbone.model_copy(update={"kind": kind}).with_hidden(lambda hidden: _raised(hidden, config.distil.hidden))
    return config.model_copy(update={"backbone": backbone}).with_members(members, members * dim)


def _raised(hidden: tuple[int, ...], least: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(units, bound) for units, bound in zip_longest(hidden, least[: len(hidden)], fillvalue=1)) if hidden else least


def student_config(config: LearningConfig) -> LearningConfig:
    """The settings under a teacher: its labels leave less to overfit, so the L2 weight is `distil.l2_factor` of the plain model's."""
    return config.with_training(embedding_l2=config.training.l2 * config.distil.l2_factor)


def _distillation_ids(train: Dataset, config: LearningConfig) -> np.ndarray:
    copies = copies_for(len(train)) if config.distil.copies is None else config.distil.copies
    return distillation_ids(train, copies, config.distil.swap_fraction, generator(config.seed, "swapped rows"))


def _logits(weights: NetworkWeights, rows: Dataset, config: LearningConfig) -> np.ndarray:
    network = Network(rows.layout, config.backbone, config.training.embedding_dim)
    network.assign(weights)
    return predict(network, GroupedRows.one_group(rows))


def _probabilities(logits: np.ndarray) -> np.ndarray:
    probabilities = np.empty_like(logits)
    for block in spans(len(logits), BLOCK_ROWS):
        probabilities[block] = sigmoid(logits[block])
    return probabilities


def _loss(logits: np.ndarray, rows: Dataset) -> float:
    return float(row_losses(logits, rows.labels).mean())
