"""Stage 4: pooled metrics of every variant, and the choice.

Pooled AUC and log-loss over all rows are the metrics that count; a mean of the groups' own AUCs would hide scores that
cannot be compared between groups. The choice is made on validation rows; the labels of test rows
are read by this stage only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import norm

from ihas.data.dataset import Splits
from ihas.data.row_keys import RowKeys
from ihas.metrics import auc, auc_difference, click_metrics, row_losses
from ihas.results.frontier import DEARER
from ihas.results.run_result import VariantResult
from ihas.stages.evaluate.calibration import on_a_line
from ihas.stages.evaluate.variants import Variant

DESCRIPTIONS = {
    "base": "The plain model: every embedding dimension for every row, trained on the clicks for as many epochs as the others.",
    "members": "Several small models in the place of the plain one, trained together; the mean of their logits, at the plain model's cost.",
    "distilled": "The plain model, trained on the predictions of several plain models together, on training rows and augmented rows.",
    "static": "One mask for all rows: a dimension search without groups.",
    "supernet": "One model, each row under its own gates.",
    "grouped": "A mask and a model per group of rows with similar gates.",
    "teacher": "The model that taught the others: several large members, trained together.",
    "before": "The model as it was, new values unknown to it.",
    "refreshed": "The same model after it learnt on from newer rows.",
    "random groups": "As many groups, drawn at random.",
    "groups on e": "As many groups, K-means on the embedding, gates ignored.",
    "groups on openness": "As many groups, K-means on the mean gate activation of each field.",
    "groups on e*z": "As many groups, K-means on the masked embedding.",
}
CANDIDATES = ("base", "members", "distilled", "static", "supernet", "grouped")
REFRESHED = ("before", "refreshed")
"""Names of the two ways of serving that a refresh compares."""
PRUNED = "pruned x"
"""Beginning of the names of larger models that were pruned to what may be served."""
WIDER = "members x"
"""Beginning of the names of models of more members than the plain model's cost allows."""
LARGER = ("teacher", WIDER)
"""Beginnings of the names of candidates that cost more than the plain model by design; they are chosen under a stated budget alone."""
ONE_STANDARD_ERROR, TWO_SIDED_80 = 0.6827, 0.8  # the shares that two-sided intervals cover


def variant_results(variants: tuple[Variant, ...], parts: Splits, keys: Mapping[str, RowKeys] | None = None) -> tuple[VariantResult, ...]:
    """Metrics of each variant, the first of which is the base; those per user where the users of validation and test rows are known."""
    users = {part: of_part.users for part, of_part in (keys or {}).items()}
    return tuple(_variant_result(variant, variants[0], parts, users) for variant in variants)


def _variant_result(variant: Variant, base: Variant, parts: Splits, users: Mapping[str, np.ndarray]) -> VariantResult:
    gain = None if variant is base else auc_difference(variant.test_logits, base.test_logits, parts.test.labels)
    return VariantResult(
        name=variant.name,
        description=_description(variant.name),
        role="candidate" if is_candidate(variant.name, larger=True) else "control",
        num_groups=len(variant.models),
        valid=click_metrics(variant.valid_logits, parts.valid.labels, users.get("valid"), parts.valid.label_range),
        test=click_metrics(variant.test_logits, parts.test.labels, users.get("test"), parts.test.label_range),
        gain=gain,
        cost=variant.cost,
    )


def is_candidate(name: str, *, larger: bool) -> bool:
    """Whether a variant of this name may be chosen; `larger` where those that cost more by design may."""
    return name in CANDIDATES or name in REFRESHED or name.startswith(PRUNED) or (larger and name.startswith(LARGER))


def _description(name: str) -> str:
    if name in DESCRIPTIONS:
        return DESCRIPTIONS[name]
    times, _, hidden = name.removesuffix(" wide").partition(" x")[2].partition(" of ")
    members = f"Members with {times} times the embedding{f' and hidden layers of {hidden} units' if hidden else ''}, trained on the clicks"
    if not name.startswith(PRUNED):
        return f"{members}; for a larger budget."
    return f"{members}; without their least sensitive dimensions{', yet of more parameters than the plain model' * name.endswith(' wide')}."


def choose(candidates: tuple[Variant, ...], parts: Splits) -> Variant:
    """The smallest candidate that validation rows hardly tell from the best; the base where they do not show that it is beaten.

    base        unless a candidate's AUC exceeds its by the 80 % two-sided interval of their paired difference, and its log-loss does not,
                each under the line on the log-odds that fits it best
    otherwise   among such candidates within one standard error of the best, in AUC and in log-loss, those of at most `DEARER` times the
                fewest multiply-adds, and of these the fewest stored parameters
    """
    labels = parts.valid.labels
    base, *others = candidates
    ahead = [variant for variant in others if _exceeds(variant, base, labels, TWO_SIDED_80)]
    better = [variant for variant in ahead if not _fits_worse(variant, base, labels, TWO_SIDED_80)]
    best = max(better, key=lambda variant: auc(variant.valid_logits, labels) or 0.0, default=base)
    near = [
        variant
        for variant in better
        if not _exceeds(best, variant, labels, ONE_STANDARD_ERROR) and not _fits_worse(variant, best, labels, ONE_STANDARD_ERROR)
    ]
    fewest = min((variant.cost.multiply_adds for variant in near), default=0.0)
    cheap = [variant for variant in near if variant.cost.multiply_adds <= DEARER * fewest]
    return min(cheap, key=lambda variant: (variant.cost.parameters_total, variant.cost.multiply_adds), default=base)


def _exceeds(variant: Variant, other: Variant, labels: np.ndarray, confidence: float) -> bool:
    return auc_difference(variant.valid_logits, other.valid_logits, labels, confidence=confidence).low > 0.0


def _fits_worse(variant: Variant, other: Variant, labels: np.ndarray, confidence: float) -> bool:
    """Whether the calibrated log-loss is higher by more than the two-sided interval of the paired difference."""
    own, others = (row_losses(on_a_line(one.valid_logits, labels), labels) for one in (variant, other))
    differences = own - others
    half = float(norm.ppf(0.5 + confidence / 2.0)) * differences.std() / np.sqrt(len(differences))
    return bool(differences.mean() > half)


def not_told_apart(chosen: Variant, variants: tuple[Variant, ...], parts: Splits) -> tuple[str, ...]:
    """Names of the other variants whose difference to the chosen one the test rows do not tell from none."""
    others = [variant for variant in variants if variant.name != chosen.name]
    differences = {v.name: auc_difference(chosen.test_logits, v.test_logits, parts.test.labels) for v in others}
    return tuple(name for name, difference in differences.items() if difference.low <= 0.0 <= difference.high)
