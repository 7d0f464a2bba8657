"""Loading a bundle leaves no trace outside the process."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.ihas.bundle_factory import small_bundle


def test_loading_sends_and_writes_no_telemetry(tmp_path):
    """With a fresh home folder nothing is written into it, as ONNX Runtime's official builds would by themselves."""
    from ihas.bundle.archive import write_bundle

    write_bundle(small_bundle(), tmp_path / "bundle")
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys, pathlib; from ihas.serving.loading import load_recommender;"
        "load_recommender(pathlib.Path(sys.argv[1])); import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "CI"))} | {"HOME": str(home)}

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bundle")], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "1"
    assert not list(home.rglob("*"))
