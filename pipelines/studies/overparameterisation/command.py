"""`ihas study embeddings --plan FILE --folder FOLDER`: plain and overparameterised embeddings compared.

`race.json` and `race.md` in the folder are renewed after every update rule; a rule that they hold is not trained again, and one of other
data or settings is refused.
"""

from __future__ import annotations

from pathlib import Path

from ihas.config.training import TrainingConfig
from ihas.folders import write_whole
from ihas.optim.optimizer import Rule
from ihas_pipelines.studies.overparameterisation.kept import kept_arms, settings_digest
from ihas_pipelines.studies.overparameterisation.plan import RacePlan
from ihas_pipelines.studies.overparameterisation.race import Outcome, race, tune
from ihas_pipelines.studies.overparameterisation.table import Arm, RaceTable, markdown
from ihas_pipelines.studies.overparameterisation.tasks import Task, task_of


def carry_out(plan: RacePlan, folder: Path) -> RaceTable:
    """Tune and race every arm of a plan that the folder does not hold.

    Raises:
        ConfigError: the folder's arms were raced on other data or under other settings.
    """
    known, settings = folder / "race.json", settings_digest(plan)
    arms = kept_arms(known, plan, settings)
    task = task_of(plan)
    for rule, start in plan.learning_rates.items():
        if rule not in {arm.rule for arm in arms}:
            arms += race_rule(task, rule, start, plan)
        table = RaceTable(name=plan.name, target=plan.target, settings=settings, arms=arms)
        write_whole(known, table.model_dump_json(indent=1))
        write_whole(folder / "race.md", markdown(table))
    return table


def race_rule(task: Task, rule: Rule, start: float, plan: RacePlan) -> tuple[Arm, ...]:
    """All forms under one rule: each tuned by itself, then all of a seed one after the other."""
    forms = ("none", *plan.forms)

    def training(form: str, rate: float) -> TrainingConfig:
        changes = {"optimizer": rule, "overparameterisation": form, "learning_rate": rate}
        return TrainingConfig.model_validate({**dict(task.training), **changes})

    def attempt(form: str, rate: float) -> Outcome:
        return race(task, training(form, rate), plan.tuning_seed, plan, to_the_end=False)

    candidates = {form: tune(lambda rate, form=form: attempt(form, rate), start) for form in forms}  # type: ignore[misc]
    best = {form: training(form, runs[0].learning_rate) for form, runs in candidates.items()}
    outcomes: dict[str, list[Outcome]] = {form: [] for form in forms}
    for seed in plan.seeds:
        for form in forms:
            outcomes[form].append(race(task, best[form], seed, plan, to_the_end=True))
    return tuple(Arm(rule=rule, start=start, form=form, tried=tuple(candidates[form]), outcomes=tuple(outcomes[form])) for form in forms)
