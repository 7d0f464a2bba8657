"""Does a network with tied embeddings have the kernel of an untied one? Draws of wide networks say where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.overrec import KernelConfig
from ihas.seeding import generator
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.overrec.kernel import kernels
from ihas_pipelines.kinds.overrec.choice import Say
from ihas_pipelines.studies.overrec.plan import TiedPlan
from ihas_pipelines.studies.overrec.table import Study, StudyTable

ONE, OTHER = (0, 1, 2, 3), (0, 4, 2, 3)
TARGETS = {"an item of neither sequence": 5, "the first item of both": 0, "the last item of both": 3}
NUM_ITEMS = 6


def measure_tied(plan: TiedPlan, say: Say) -> Study:
    """The tangent kernel of f_o = <E_o, h_T> / sqrt n for three output items o, with E the input embedding too; ReLU, all deviations 1."""
    exact = kernels(KernelConfig(), Sequences.of([ONE]), Sequences.of([OTHER])).ntk[0, 0]
    rows = []
    for width in plan.widths:
        for name, target in TARGETS.items():
            say(f"{width} units, output {name}")
            rng = generator(plan.seed, "tied", str(width), name)
            draws = np.array([_draw(width, target, rng) for _ in range(plan.draws)])
            mean, error = draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(plan.draws)
            rows.append((name, width, float(exact), float(mean[0]), float(error[0]), float((mean[0] - exact) / error[0]), float(mean[1])))
    columns = ("output item", "units", "untied limit", "tied, mean", "standard error", "z", "mean output f")
    title = f"Tangent kernel of tied embeddings between [1, 2, 3, 4] and [1, 5, 3, 4], {plan.draws} draws"
    return Study(study=plan.study, data="", tables=(StudyTable(title=title, columns=columns, rows=tuple(rows)),))


def _draw(width: int, target: int, rng: np.random.Generator) -> tuple[float, float]:
    """The kernel's value and the output after the first sequence, of one draw of W and E."""
    recurrent, embedding = rng.standard_normal((width, width)), rng.standard_normal((NUM_ITEMS, width))
    one, other = (_passed(recurrent, embedding, list(sequence), target) for sequence in (ONE, OTHER))
    by_recurrent = (one.steps @ other.steps.T) * (one.before @ other.before.T) / width
    return float((one.by_embedding * other.by_embedding).sum() + by_recurrent.sum()), one.output


@dataclass(frozen=True)
class Passed:
    """A sequence through the network and back.

    Attributes:
        output: f.
        by_embedding: float64 (items, width). Gradient by the tied embedding.
        steps: float64 (length, width). Gradient by each step's pre-activation.
        before: float64 (length, width). Hidden state before each step.
    """

    output: float
    by_embedding: np.ndarray
    steps: np.ndarray
    before: np.ndarray


def _passed(recurrent: np.ndarray, embedding: np.ndarray, sequence: list[int], target: int) -> Passed:
    root, states, slopes = np.sqrt(len(recurrent)), [np.zeros(len(recurrent))], []
    for item in sequence:
        pre = recurrent @ states[-1] / root + embedding[item]
        slopes.append((pre > 0.0).astype(np.float64))
        states.append(pre * slopes[-1])
    by_embedding, steps = np.zeros_like(embedding), np.zeros((len(sequence), len(recurrent)))
    by_embedding[target] += states[-1] / root
    back = embedding[target] / root
    for time in range(len(sequence) - 1, -1, -1):
        steps[time] = back * slopes[time]
        by_embedding[sequence[time]] += steps[time]
        back = recurrent.T @ steps[time] / root
    return Passed(float(embedding[target] @ states[-1] / root), by_embedding, steps, np.stack(states[:-1]))
