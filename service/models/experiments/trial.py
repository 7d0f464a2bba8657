"""Trials: what each canary earns against the champion, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from ihas_service.models.experiments.sequential import ArmSums, Difference, difference, mean_interval, share_of_alpha
from ihas_service.storage.sql_catalogue import SqlCatalogue
from ihas_service.storage.traffic import Canary, Experiment, Traffic, TrafficPlan, TrafficPlans
from ihas_service.storage.trial_rows import Trial, Trials
from ihas_service.storage.trial_sums import TrialSums, sums_of
from ihas_service.storage.trials import Decision, conclude

WITHOUT_RULES = Experiment()
"""Level and scale where a person decides."""
MARGIN_SCALE = 0.1
"""Scale of margins of interleaved answers, in clicks per answer."""
LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arm:
    """A canary in a trial.

    Attributes:
        version: its number.
        sums: of its answers.
        found: against the champion; None where they answer different requests, by `groups`.
        decision: what the rules say now: `promoted` or `stopped` with a reason, or None to go on.
    """

    version: int
    sums: ArmSums
    found: Difference | None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """Interleaved answers.

    Attributes:
        version: that the champion's lists were interleaved with.
        sums: its counts; `total` is clicks on its items minus clicks on the champion's.
        found: mean margin of an answer, above 0 where people prefer `version`.
    """

    version: int
    sums: TrialSums
    found: Difference


@dataclass(frozen=True, slots=True)
class Findings:
    """A trial at one look.

    Attributes:
        champion: the version that all are compared with, and its sums.
        arms: canaries, in the plan's order.
        preference: None where nothing is interleaved.
    """

    champion: tuple[int, ArmSums]
    arms: Sequence[Arm]
    preference: Preference | None


def findings(plan: TrafficPlan, champion: int, sums: Mapping[int, TrialSums], canaries: int) -> Findings:
    """Look at a trial.

    Args:
        plan: as it is now.
        champion: version that serves the other requests.
        sums: of each version; of one that is interleaved under its negative number.
        canaries: with which the trial began, which share alpha.
    """
    rules, base = plan.experiment or WITHOUT_RULES, _of(sums, champion)
    level = share_of_alpha(rules.alpha, range(canaries))
    arms = [_arm(one, _of(sums, one.version), base, rules, level) for one in plan.canaries]
    best = max((arm for arm in arms if arm.decision is not None and arm.decision.decision == "promoted"), key=_low, default=None)
    if best is not None:
        arms = [arm if arm is best else Arm(arm.version, arm.sums, arm.found, _gives_way(arm, best.version)) for arm in arms]
    preference = None
    if plan.interleave is not None:
        counts = sums.get(-plan.interleave.version, TrialSums())
        margins = ArmSums(counts.answers, counts.total, counts.squares)
        preference = Preference(plan.interleave.version, counts, mean_interval(margins, rules.alpha, MARGIN_SCALE))
    return Findings((champion, base), arms, preference)


class TrialRules:
    """Carries out what the rules of experiments say; several processes may do so at once, and each decision is made by one."""

    def __init__(self, catalogue: SqlCatalogue) -> None:
        self._catalogue, self._trials, self._plans = catalogue, Trials(catalogue), TrafficPlans(catalogue)

    def apply(self) -> int:
        """Look at every running trial with rules; how many changed."""
        return sum(self._apply(trial) for trial in self._trials.running() if TrafficPlan.model_validate(trial.plan).experiment is not None)

    def look(self, tenant: str, model: str) -> tuple[Trial, Findings | None] | None:
        """A model's latest trial, and what is found as long as it runs and a version serves; None where there was no trial."""
        trial = self._trials.latest(tenant, model)
        return None if trial is None else (trial, self._look(trial)[1])

    def _look(self, trial: Trial) -> tuple[Traffic, Findings | None]:
        traffic = self._plans.get(trial.tenant, trial.model)
        champion = self._catalogue.serving_version(trial.tenant, trial.model)
        if champion is None or trial.ended is not None or traffic.trial != trial.trial:
            return traffic, None
        began = len(TrafficPlan.model_validate(trial.plan).canaries)
        return traffic, findings(traffic.plan, champion.version, sums_of(self._catalogue, trial.tenant, trial.model, trial.trial), began)

    def _apply(self, trial: Trial) -> bool:
        traffic, found = self._look(trial)
        decisions = [arm.decision for arm in found.arms if arm.decision is not None] if found is not None else []
        if found is None or not decisions or not conclude(self._catalogue, traffic, found.champion[0], decisions):
            return False
        told = [f"{one.version} {one.decision}: {one.detail}" for one in decisions]
        LOG.info("a trial was decided", tenant=trial.tenant, model=trial.model, trial=trial.trial, decisions=told)
        return True


def _of(sums: Mapping[int, TrialSums], version: int) -> ArmSums:
    found = sums.get(version, TrialSums())
    return ArmSums(found.answers, found.total, found.squares)


def _arm(canary: Canary, sums: ArmSums, base: ArmSums, rules: Experiment, level: float) -> Arm:
    if canary.groups:
        return Arm(canary.version, sums, None)
    found = difference(sums, base, level, rules.minimum_effect)
    return Arm(canary.version, sums, found, _decision(canary.version, (sums, base), found, rules))


def _decision(version: int, of: tuple[ArmSums, ArmSums], found: Difference, rules: Experiment) -> Decision | None:
    """What the rules say of a canary."""
    if not math.isfinite(found.low):
        return None
    clicks = f"{of[0].mean:.4f} clicks an answer against {of[1].mean:.4f}"
    what = f"{clicks}, a difference of {found.difference:+.4f}, between {found.low:+.4f} and {found.high:+.4f} at any look"
    if found.low > 0.0 and rules.promote:
        return Decision(version, "promoted", f"Better: {what}.")
    if found.high < 0.0:
        return Decision(version, "stopped", f"Worse: {what}.")
    if -rules.minimum_effect < found.low and found.high < rules.minimum_effect and found.low <= 0.0:
        return Decision(version, "stopped", f"No difference of {rules.minimum_effect:g} or more: {what}.")
    return None


def _gives_way(arm: Arm, best: int) -> Decision:
    """What becomes of a canary when another one is promoted."""
    if arm.decision is not None and arm.decision.decision == "stopped":
        return arm.decision
    return Decision(arm.version, "stopped", f"Version {best} was promoted.")


def _low(arm: Arm) -> float:
    return -math.inf if arm.found is None else arm.found.low
