"""The report of a run, as an object that a notebook shows."""

from __future__ import annotations

import html
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ihas.errors import ConfigError
from ihas.folders import write_whole

if TYPE_CHECKING:
    from ihas_pipelines.kinds.model_kind import AnyResult, ModelKind


@dataclass(frozen=True, repr=False)
class Report:
    """One HTML document that needs no other file and no network.

    Attributes:
        html: the document.
        verdict: what was found, in a sentence or two.
    """

    html: str
    verdict: str

    def save(self, path: str | Path) -> Path:
        """Write or replace a file; its path."""
        written = Path(path)
        write_whole(written, self.html)
        return written

    def __repr__(self) -> str:
        return f"<report: {self.verdict}>"

    def _repr_html_(self) -> str:
        """The document in a frame of its own, for its styles and scripts are not the notebook's."""
        framed = html.escape(self.html, quote=True)
        return f'<iframe srcdoc="{framed}" sandbox="allow-scripts" style="width:100%;height:40em;border:0"></iframe>'


def report_of(result: AnyResult, kind: ModelKind) -> Report:
    """The report of a result.

    Raises:
        ConfigError: results of the kind have none.
    """
    if kind.write_report is None:
        raise ConfigError(f"Results of the kind {kind.name!r} have no report. The metrics are in `model.result`.")
    with tempfile.TemporaryDirectory(prefix="ihas-") as folder:
        path = Path(folder) / "report.html"
        kind.write_report(result, path)
        return Report(path.read_text(encoding="utf-8"), result.verdict)
