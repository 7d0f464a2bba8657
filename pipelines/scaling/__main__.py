"""`python -m pipelines.scaling --plan FILE --folder FOLDER [--seconds BUDGET]`: trains a ladder, fits its law, foretells its largest size.

`ladder.json` in the folder is renewed after every rung and gone on with; `ladder.md` and `ladder.html` are written at the end, and with
a budget `advice.json` and `advice.html`. Exit status: 0 succeeded, 4 bad data or settings, 5 training failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ihas.errors import ConfigError, DataError, IhasError
from ihas.folders import write_whole
from pipelines.scaling.plan import LadderPlan, read_ladder_plan

BAD_INPUT, FAILED = 4, 5


def main() -> int:
    """Carry out a plan; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.scaling", description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="TOML file")
    parser.add_argument("--folder", type=Path, required=True, help="folder of ladder.json, ladder.md and ladder.html")
    parser.add_argument("--seconds", type=float, help="wall time of one training, to advise a size for")
    arguments = parser.parse_args()
    try:
        _carry_out(read_ladder_plan(arguments.plan), arguments.folder, arguments.seconds)
    except IhasError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT if isinstance(error, ConfigError | DataError) else FAILED
    return 0


def _carry_out(plan: LadderPlan, folder: Path, seconds: float | None) -> None:
    if not plan.sequences.is_file():
        raise DataError(f"`sequences` must be a file, but there is none at {plan.sequences}. Name another one.")
    from ihas.legacy_keras import tf  # after the plan is known to be good: this import takes seconds
    from pipelines.run import threads
    from pipelines.scaling.advisor import write_advice
    from pipelines.scaling.ladder import climb, measured
    from pipelines.scaling.page import figure, markdown

    tf.config.threading.set_intra_op_parallelism_threads(threads(plan.run))
    folder.mkdir(parents=True, exist_ok=True)
    ladder = climb(plan, folder, _say)
    write_whole(folder / "ladder.md", markdown(ladder))
    figure(measured(ladder.rungs)).write_html(folder / "ladder.html", include_plotlyjs=True)
    _say(markdown(ladder) if seconds is None else write_advice(measured(ladder.rungs), seconds, folder).reason)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
