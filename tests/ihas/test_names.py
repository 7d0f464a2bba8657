"""The public names of `ihas`: looked up, typed, and light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ihas
from ihas.bundle.archive import write_bundle
from ihas.errors import IhasError
from tests.ihas.bundle_factory import small_bundle
from tests.paths import ROOT

SERVED = """
import sys, ihas
loaded = set(sys.modules)
assert not any(name.split(".")[0] in ("ihas_pipelines", "ihas_service", "numpy", "pydantic") for name in loaded), loaded
model = ihas.load(sys.argv[1])
model.predict_proba([{"user": "ada", "movie": "m1"}]), model.recommend({"user": "ada"}, k=2), model.explain({"user": "ada", "movie": "m1"})
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "tf_keras", "sklearn", "pyarrow", "plotly", "fastapi"}))
"""


def test_every_name_is_typed_and_leads_somewhere() -> None:
    """The stub and the table of names name the same, each name is there, `dir` lists it, and an unknown one is refused with the known."""
    stub = ast.parse((ROOT / "ihas" / "__init__.pyi").read_text(encoding="utf-8")).body
    typed = {alias.asname: f"{node.module}:{alias.name}" for node in stub if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == ihas.NAMES
    assert all(getattr(ihas, name).__name__ == where.partition(":")[2] for name, where in ihas.NAMES.items())
    assert set(ihas.NAMES) | {"__version__"} <= set(dir(ihas))
    assert ihas.IhasError is IhasError
    assert ihas.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute 'fitt'; it has fit, "):
        getattr(ihas, "fitt")  # noqa: B009


@pytest.mark.full
def test_serving_from_python_imports_nothing_that_trains(tmp_path: Path) -> None:
    """Importing `ihas` imports neither the other packages nor NumPy; loading, scoring, recommending and explaining none that trains."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    command = [sys.executable, "-c", SERVED, str(tmp_path / "bundle")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.stdout.strip(), ended.returncode) == ("[]", 0), ended.stderr
