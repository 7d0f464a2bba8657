"""Responses about trials: versions compared on the traffic that they serve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from ihas.config.base import Config
from ihas_service.http.schemas.searches import Moment, moment
from ihas_service.models.experiments.interleaving import sign_test
from ihas_service.models.experiments.sequential import ArmSums, Difference, answers_needed, share_of_alpha
from ihas_service.models.experiments.trial import WITHOUT_RULES, Arm, Findings, Preference
from ihas_service.storage.traffic import Experiment
from ihas_service.storage.trial_rows import Trial


class ArmOnline(Config):
    """Answers of one version in a trial."""

    version: int
    """The version."""
    role: Literal["champion", "canary"]
    """What it is."""
    answers: int
    """Recommendations that it gave, also those of which nothing was reported."""
    clicks: int
    """Clicks on them."""
    clicks_per_answer: float | None
    """Clicks per answer; absent without answers."""
    difference: float | None
    """Clicks per answer minus the champion's; absent for the champion, and for a canary of some groups, which answers other requests."""
    low: float | None
    """Lower end of an interval that holds at every look, however many there are; absent while too few clicks are expected."""
    high: float | None
    """Upper end."""
    p_value: float | None
    """Always-valid p-value of no difference."""
    finding: Literal["better", "worse", "open"] | None
    """`better` or `worse` where the interval lies on one side of 0; absent for the champion."""
    answers_needed: int | None
    """Answers of each version after which `minimum_effect` is found with a chance of at least 80 %, at the variance so far."""


class PreferenceOnline(Config):
    """Interleaved recommendations in a trial."""

    version: int
    """Version whose items were interleaved with the champion's."""
    answers: int
    """Interleaved recommendations."""
    wins: int
    """Those with more clicks on its items than on the champion's."""
    losses: int
    """Those with fewer."""
    margin: float | None
    """Mean of clicks on its items minus clicks on the champion's; absent without answers."""
    low: float | None
    """Lower end of an interval that holds at every look; absent while there are too few clicks."""
    high: float | None
    """Upper end."""
    p_value: float
    """Always-valid p-value of no preference."""
    sign_test: float
    """Two-sided p-value of wins against losses, which holds at one look."""


class TrialDecision(Config):
    """What was decided of a canary."""

    version: int
    """The canary."""
    decision: Literal["promoted", "stopped"]
    """Whether it became the champion, or left the plan."""
    detail: str
    """Why, with the figures."""
    at: Moment
    """When."""


class TrialOnline(Config):
    """The latest trial of a model: what the versions of a plan of traffic earn, from the change of the plan on."""

    trial: int
    """Revision of the plan with which it began."""
    began: Moment
    """When it began."""
    ended: Moment | None
    """When its plan was replaced; absent while it runs."""
    alpha: float
    """Chance that any interval misses the true difference at any look, all canaries together."""
    rules: Experiment | None
    """Rules by which canaries are stopped or promoted; absent where a person decides."""
    arms: tuple[ArmOnline, ...]
    """The champion, then the canaries; empty once it has ended."""
    preference: PreferenceOnline | None
    """Interleaved recommendations; absent where there are none, and once it has ended."""
    decisions: tuple[TrialDecision, ...]
    """What was decided, oldest first."""

    @classmethod
    def of(cls, trial: Trial, found: Findings | None) -> Self:
        """The wire form of a trial."""
        stated = trial.plan.get("experiment")
        rules = None if stated is None else Experiment.model_validate(stated)
        return cls(
            trial=trial.trial,
            began=moment(trial.began),
            ended=None if trial.ended is None else moment(trial.ended),
            alpha=(rules or WITHOUT_RULES).alpha,
            rules=rules,
            arms=() if found is None else (_champion(found), *(_arm(arm, found, rules or WITHOUT_RULES) for arm in found.arms)),
            preference=None if found is None or found.preference is None else _preference(found.preference),
            decisions=tuple(TrialDecision.model_validate({**one, "at": moment(one["at"])}) for one in trial.decisions),
        )


def _champion(found: Findings) -> ArmOnline:
    version, sums = found.champion
    return ArmOnline(version=version, role="champion", **_counts(sums), **_ends(None), finding=None, answers_needed=None)


def _arm(arm: Arm, found: Findings, rules: Experiment) -> ArmOnline:
    finding: Literal["better", "worse", "open"] = "open"
    if arm.found is not None and (arm.found.low > 0.0 or arm.found.high < 0.0):
        finding = "better" if arm.found.low > 0.0 else "worse"
    variance, effect = arm.sums.plus(found.champion[1]).variance, rules.minimum_effect
    needed = answers_needed(effect, variance, share_of_alpha(rules.alpha, found.arms), effect) if variance > 0.0 else None
    told = None if arm.found is None else finding
    return ArmOnline(version=arm.version, role="canary", **_counts(arm.sums), **_ends(arm.found), finding=told, answers_needed=needed)


def _counts(sums: ArmSums) -> Mapping[str, Any]:
    return {"answers": sums.answers, "clicks": int(sums.clicks), "clicks_per_answer": sums.mean if sums.answers else None}


def _ends(found: Difference | None) -> Mapping[str, Any]:
    if found is None:
        return dict.fromkeys(("difference", "low", "high", "p_value"))
    low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
    return {"difference": found.difference, "low": low, "high": high, "p_value": found.p_value}


def _preference(preference: Preference) -> PreferenceOnline:
    sums, found = preference.sums, _ends(preference.found)
    return PreferenceOnline(
        version=preference.version,
        answers=sums.answers,
        wins=sums.wins,
        losses=sums.losses,
        margin=preference.found.difference if sums.answers else None,
        low=found["low"],
        high=found["high"],
        p_value=preference.found.p_value,
        sign_test=sign_test(sums.wins, sums.losses),
    )
