"""The choice of a search in words."""

from __future__ import annotations

from typing import Literal

from ihas.config.negatives import NegativesConfig
from ihas.results.frontier import DEARER
from ihas.results.next_steps import HARDLY_BETTER_THAN_CHANCE, between
from ihas.results.run_result import CatalogueRanking, Interval, RunResult, VariantResult
from ihas.stages.evaluate.stage import PRUNED


def verdict(
    chosen: VariantResult,
    base: VariantResult,
    num_elements: int,
    equals: tuple[str, ...] = (),
    variants: tuple[VariantResult, ...] = (),
) -> str:
    """The choice in words.

    Args:
        chosen: the variant that serves.
        base: the plain model.
        num_elements: num_fields * dim.
        equals: names of variants that test rows do not tell apart from the chosen one.
        variants: all of them, to say which one test rows tell from the plain model where that one serves.
    """
    if base.test.auc is None or chosen.test.auc is None:
        return f"`{chosen.name}` serves; nothing can be said of its ranking, because the test rows have one label only."
    if max(base.test.auc, chosen.test.auc) < HARDLY_BETTER_THAN_CHANCE:
        return (
            f"The plain model hardly ranks better than chance (test AUC {base.test.auc:.4f}), so nothing can be concluded. Train it longer "
            "or with smaller batches (`learning.training`), or look at the columns with `ihas inspect`."
        )
    if chosen.gain is None:
        return _plain(base, variants)
    return f"{_why(chosen)} {_gained(chosen, base)} {_price(chosen, base, num_elements)}{_doubt(equals)}"


def _plain(base: VariantResult, variants: tuple[VariantResult, ...]) -> str:
    """Why the plain model serves; a gain that test rows show is told, since it contradicts that nothing is worth it."""
    why = (
        f"validation rows do not show that any other variant beats the plain model (test AUC {base.test.auc:.4f}), "
        "so the plain model serves every row."
    )
    shown = [(one.name, one.gain) for one in variants if one.role == "candidate" and one.gain is not None and one.gain.low > 0.0]
    if not shown:
        return f"No search is worth it here: {why}"
    name, gain = max(shown, key=lambda one: one[1].difference)
    return f"{why[0].upper()}{why[1:]} Test rows, which choose nothing, show a gain of `{name}`: {between(gain)}."


def _why(chosen: VariantResult) -> str:
    best = "was the smallest of the best on validation rows"
    if chosen.name == "distilled":
        return f"`distilled`, a model of the plain one's size that learnt from several, {best}; masks added nothing that they show."
    if chosen.name == "static":
        return f"`static`, one mask for all rows, {best}; groups added nothing that they show."
    return f"`{chosen.name}` {best}."


def _gained(chosen: VariantResult, base: VariantResult) -> str:
    gain = chosen.gain or Interval(difference=0.0, low=0.0, high=0.0)
    certain = "more than chance explains" if gain.low > 0 else "less than chance explains" if gain.high < 0 else "within chance"
    return f"On test rows its AUC is {chosen.test.auc:.4f} against {base.test.auc:.4f} of the plain model: {between(gain)}, {certain}."


def _price(chosen: VariantResult, base: VariantResult, num_elements: int) -> str:
    cost = chosen.cost.multiply_adds / base.cost.multiply_adds
    kept = f"{chosen.cost.kept_dims:.0f}"
    read, how = f"{kept} of {num_elements} embedding dimensions", "with routing it"
    if chosen.cost.kept_dims > num_elements or chosen.name.startswith(PRUNED):  # it was pruned from more than the plain model has
        read, how = f"{kept} embedding dimensions, the plain model {num_elements}", "it"
    return f"A row reads {read}" + (f"; {how} costs {cost:.1f} times the base's multiply-adds." if cost > DEARER else ".")


def _doubt(equals: tuple[str, ...]) -> str:
    others = [name for name in equals if name != "base"]
    return f" These rows do not tell it apart from {_listed(others)}." if others else ""


def given_up_words(stages: tuple[Literal["search", "retrain"], ...]) -> str:
    """What the verdict says of stages that were given up: a sentence for each, with a space before it."""
    words = {
        "search": "The search was given up: under gates the validation AUC stayed clearly below the model that it started from.",
        "retrain": "Training on under the groups' masks was given up: it only lowered the validation AUC.",
    }
    return "".join(f" {words[stage]}" for stage in stages)


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def numbers_words(result: RunResult) -> str:
    """What the verdict says of a label that is a number: sentences with a space before them."""
    metrics = next(one.test for one in result.variants if one.name == result.chosen) if result.refit is None else result.refit.test
    if result.label_range is None or metrics.rmse is None or metrics.mae is None:
        return ""
    low, high = result.label_range
    errors = f"RMSE {metrics.rmse:.4g}, MAE {metrics.mae:.4g}" + ("" if metrics.r2 is None else f", R2 {metrics.r2:.4f}")
    words = f"The label is a number from {low:g} to {high:g}: AUC is the concordance index, the share of pairs that are ordered right"
    return f" {words}. On test rows: {errors}, in units of the label, before calibration."


def negatives_words(negatives: NegativesConfig | None, ranking: CatalogueRanking | None) -> str:
    """What the verdict says of drawn negatives: sentences with a space before them."""
    if negatives is None:
        return ""
    how = "alike" if negatives.draw == "uniform" else "by popularity"
    count = f"{negatives.per_positive} for each positive, {how}"
    words = f" Negatives were drawn, {count}: AUC tells items taken from items drawn, and scores are no rates of clicks."
    if ranking is None:
        return words
    found = f"{ranking.recall[0]:.1%} of the items that users took are among the first {ranking.numbers[0]} of {ranking.items:,}"
    return f"{words} {found} ({ranking.popularity_recall[0]:.1%} by popularity)."
