"""A study, carried out: `study.json` and `study.md` in a folder."""

from __future__ import annotations

from pathlib import Path

from ihas.folders import write_whole
from ihas_pipelines.kinds.overrec.choice import Say
from ihas_pipelines.runs.progress import Progress, Report
from ihas_pipelines.studies.overrec.plan import AccuracyPlan, CostPlan, Plan, TiedPlan
from ihas_pipelines.studies.overrec.table import Study, markdown


def carry_out(plan: Plan, folder: Path, report: Report) -> Study:
    """Measure what the plan asks for.

    Raises:
        ConfigError, DataError: as reading and the recommender say.
    """

    def say(message: str) -> None:
        report(Progress(stage="evaluate", message=message, fraction=0.0))

    study = _measured(plan, say)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "study.json", study.model_dump_json(indent=1))
    write_whole(folder / "study.md", markdown(study))
    report(Progress(stage="evaluate", message=f"The tables are in {folder / 'study.md'}", fraction=1.0, outcome="succeeded"))
    return study


def _measured(plan: Plan, say: Say) -> Study:
    if isinstance(plan, AccuracyPlan):
        from ihas_pipelines.studies.overrec.accuracy import measure_accuracy

        return measure_accuracy(plan, say)
    if isinstance(plan, CostPlan):
        from ihas_pipelines.studies.overrec.cost import measure_cost

        return measure_cost(plan, say)
    if isinstance(plan, TiedPlan):
        from ihas_pipelines.studies.overrec.tied import measure_tied

        return measure_tied(plan, say)
    from ihas_pipelines.studies.overrec.width import measure_width

    return measure_width(plan, say)
