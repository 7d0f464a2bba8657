"""The Pareto frontier of servable candidates, and what its next steps up would bring.

    a beats b   a's AUC >= b's, log-loss <= b's, multiply-adds <= b's, stored parameters <= b's, and one of the four is better

AUC and log-loss are of validation rows. Latencies and memory stand beside: what is measured anew at every run decides no place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from ihas.results.run_result import FrontierPoint, VariantResult

MAX_STEPS, DEARER = 3, 1.05
"""Steps up that a verdict tells, and from how many times the multiply-adds, or the parameters, on a point is one."""
NO_FRONTIER = "has no frontier to choose from: an earlier version of iHAS made it, or it is of another kind. Run its search again."


def dominates(one: VariantResult, other: VariantResult) -> bool:
    """Whether a candidate is at least as good as another in everything and better in something."""
    ours, theirs = _figures(one), _figures(other)
    return ours != theirs and all(own <= its for own, its in zip(ours, theirs, strict=True))


def unbeaten_candidates(results: Iterable[VariantResult]) -> tuple[VariantResult, ...]:
    """Candidates that no other beats, cheapest first; of equals the one that comes first."""
    candidates = [result for result in results if result.role == "candidate"]
    first_of = {_figures(candidate): candidate for candidate in reversed(candidates)}
    kept = [one for one in first_of.values() if not any(dominates(other, one) for other in candidates)]
    return tuple(sorted(kept, key=lambda one: (one.cost.multiply_adds, one.cost.parameters_total)))


def steps_up(points: Sequence[FrontierPoint], chosen: str) -> str:
    """What dearer points would bring, in a sentence; empty where none ranks the validation rows better.

    Args:
        points: the frontier, cheapest first.
        chosen: name of the point that is served.
    """
    served = next(point for point in points if point.name == chosen)
    above = [point for point in points if _dearer(point, served) and (point.valid.auc or 0.0) > (served.valid.auc or 0.0)][:MAX_STEPS]
    return f" Dearer points of the frontier, on test rows: {'; '.join(_step(point, served) for point in above)}." if above else ""


def find_point(points: Sequence[FrontierPoint], name: str) -> FrontierPoint | None:
    """The point of a name, None where there is none; `members-x2` is `members x2`."""
    return next((point for point in points if slug(point.name) == slug(name)), None)


def unknown_point(points: Sequence[FrontierPoint], name: str) -> str:
    """Why there is no point of a name, in a sentence."""
    return f"A point must be one of {', '.join(f'`{point.name}`' for point in points)}, but got {name!r}."


def slug(name: str) -> str:
    """A candidate's name as a file's or a model's name in a bundle: `members x2` is `members-x2`."""
    return re.sub("[^a-z0-9]+", "-", name.lower())


def _dearer(point: FrontierPoint, served: FrontierPoint) -> bool:
    return point.multiply_adds > DEARER * served.multiply_adds or point.parameters > DEARER * served.parameters


def _step(point: FrontierPoint, served: FrontierPoint) -> str:
    gains = [
        f"{own - reference:+.4f} {what}"
        for what, own, reference in (
            ("AUC", point.test.auc, served.test.auc),
            ("log-loss", point.test.log_loss, served.test.log_loss),
        )
        if own is not None and reference is not None
    ]
    times, table = point.multiply_adds / served.multiply_adds, point.parameters / served.parameters
    cost = f"at {times:.1f} times the multiply-adds" if times > DEARER else f"at {table:.1f} times the parameters"
    return f"`{point.name}`, {', '.join([*gains, cost])}"


def _figures(result: VariantResult) -> tuple[float, ...]:
    """What points are compared by, the less the better."""
    auc, log_loss = result.valid.auc, result.valid.log_loss
    quality = (0.0 if auc is None else -auc, math.inf if log_loss is None else log_loss)
    return (*quality, result.cost.multiply_adds, float(result.cost.parameters_total))
