"""`make faults`: carry out the whole plan, print the table, and fail where anything was lost, doubled, wrong or a 5xx."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.faults.plan import Plan, carry_out


def main() -> int:
    """Parse the command line; 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/faults"), help="takes faults.md, faults.json and a folder for each service"
    )
    parser.add_argument("--seed", type=int, default=1, help="draws what is sent, and when")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    ledger = carry_out(Plan(), asked.folder.resolve(), asked.seed, lambda line: print(line, flush=True))  # noqa: T201
    seconds = round(time.monotonic() - began)
    ledger.write(asked.folder, seed=asked.seed, seconds=seconds)
    print(ledger.markdown(), *ledger.found, f"{ledger.tries} faults under seed {asked.seed} in {seconds} s", sep="\n")  # noqa: T201
    return 0 if ledger.clean else 1


if __name__ == "__main__":
    sys.exit(main())
