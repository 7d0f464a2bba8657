"""A child process that speaks the protocol of `python -m ihas_pipelines` and learns nothing; the model's name says how it behaves.

Each stage leaves a file in the run folder, and a stage whose file is there is skipped, as in a real run.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

STAGES = ("validating", "searching", "clustering", "retraining", "evaluating")


def say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(3)


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def inspect(data: Path) -> int:
    text = Path(json.loads(data.read_text())["path"]).read_text()
    if not text.startswith("click"):
        finding = {"code": "label", "severity": "error", "message": "The label must be 0 or 1.", "row": 2, "column": "click"}
        say(outcome="failed", error={"code": "data", "detail": "The table has no clicks.", "findings": [finding]})
        return 1
    profiles = [{"column": "click", "purpose": "label", "distinct": 2, "missing": 0.0, "commonest": [["0", 1], ["1", 1]]}]
    columns = {"label": "click", "fields": []}
    say(outcome="succeeded", report={"rows": text.count("\n") - 1, "findings": [], "profiles": profiles, "columns": columns})
    return 0


def estimate(folder: Path) -> int:
    say(stage="searching", message="Pilot", fraction=0.5)
    found = {"rows": 9, "pilot_rows": [4, 8], "pilot_seconds": [1.0, 2.0], "seconds_low": 2.0, "seconds_high": 3.0, "memory_bytes": 5}
    found |= {"parameters": 7, "chosen_in_pilot": "base", "gain": None, "advice": "Expect little."}
    (folder / "estimate.json").write_text(json.dumps(found))
    say(stage="evaluating", message="done", fraction=1.0, outcome="succeeded")
    return 0


def run(recipe: Path, folder: Path) -> int:
    name = json.loads(recipe.read_text())["name"]
    with (folder / "starts").open("a") as starts:
        starts.write(f"{os.getpid()} {os.getpriority(os.PRIO_PROCESS, 0)}\n")
    if name == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if name == "busy" and len((folder / "starts").read_text().splitlines()) < 3:
        detail = "One process at a time may work on a run folder."
        say(stage="validating", message="stopped", fraction=0.0, outcome="failed", error={"code": "busy", "detail": detail})
        return 1
    if name == "noisy":
        sys.stdout.write("a library's greeting\n")
    for number, stage in enumerate(STAGES, start=1):
        if (folder / stage).exists():
            continue
        say(stage=stage, message=f"{stage} began", fraction=number / 6, eta_s=1.0, metrics={"auc": 0.5})
        if name == "bad":
            sys.stderr.write("the label is broken\n")
            say(
                stage=stage,
                message="stopped",
                fraction=0.1,
                outcome="failed",
                error={"code": "data", "detail": "No clicks.", "findings": []},
            )
            return 1
        if name == "crash" and stage == "searching":
            sys.stderr.write("out of memory\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "machines" and stage == "searching" and len((folder / "starts").read_text().splitlines()) < 3:
            error = {"code": "machine", "detail": "The Ray head at 10.0.0.5:6379 has been gone for more than 10 s."}
            say(stage=stage, message="stopped", fraction=0.1, outcome="failed", error=error)
            return 1
        if name in ("slow", "deaf") and stage == "searching":
            wait_for(folder / "go")
        (folder / stage).touch()
    finish(folder, name)
    say(stage="evaluating", message="done", fraction=1.0, outcome="succeeded")
    return 0


def refresh(request: Path, folder: Path) -> int:
    asked = json.loads(request.read_text())
    if not (Path(asked["source"]) / "result.json").is_file():
        error = {"code": "config", "detail": "The run to carry on is gone."}
        say(stage="validating", message="stopped", fraction=0.0, outcome="failed", error=error)
        return 1
    say(stage="retraining", message="Learning on", fraction=0.5)
    finish(folder, "refreshed")
    say(stage="evaluating", message="done", fraction=1.0, outcome="succeeded")
    return 0


def finish(folder: Path, name: str) -> None:
    bundle = os.environ.get("IHAS_TEST_BUNDLE")
    if bundle is not None:
        shutil.copytree(bundle, folder / "bundle", dirs_exist_ok=True)
    elif name != "empty":
        (folder / "bundle").mkdir(exist_ok=True)
        (folder / "bundle" / "manifest.json").write_text(json.dumps({"name": name}))
    (folder / "result.json").write_text(json.dumps({"name": name, "chosen": "grouped"}))
    (folder / "report.html").write_text(f"<!doctype html><title>{name}</title>")


def load(bundle: Path) -> int:
    if json.loads((bundle / "manifest.json").read_text()).get("name") == "unusable":
        say(outcome="failed", error={"code": "bundle", "detail": f"{bundle}/graph.onnx loops."})
        return 1
    say(outcome="succeeded")
    return 0


def gates() -> int:
    """What IHAS_TEST_GATES says of a bundle; `passed`, `failed`, or nothing that could be read."""
    said = os.environ.get("IHAS_TEST_GATES", "")
    gate = {"name": "auc", "passed": said == "passed", "detail": f"The difference has {said}."}
    say(outcome="succeeded", report={"passed": gate["passed"], "gates": [gate], "rows": 9} if said else {})
    return 0


def main() -> int:
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    options = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    if sys.argv[1] == "inspect":
        return inspect(Path(options["--data"]))
    if sys.argv[1] == "load":
        return load(Path(options["--bundle"]))
    if sys.argv[1] == "gates":
        return gates()
    if sys.argv[1] == "estimate":
        return estimate(Path(options["--folder"]))
    if sys.argv[1] == "refresh":
        return refresh(Path(options["--request"]), Path(options["--folder"]))
    return run(Path(options["--recipe"]), Path(options["--folder"]))


if __name__ == "__main__":
    sys.exit(main())
