"""`batch`: the child of a batch job answers the rows of a data set with a bundle."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ihas.config.data import DataConfig
from ihas.errors import DataError, RequestError
from ihas.folders import all_held_still, files_digest
from ihas_pipelines.runs.child import ChildReport
from ihas_pipelines.runs.progress import Progress, StageName

EVERY_S = 1.0
STAGE: StageName = "evaluate"


def batch(
    data: Annotated[Path, typer.Option(help="JSON file with a DataConfig.")],
    bundle: Annotated[Path, typer.Option(help="Bundle that answers.")],
    request: Annotated[Path, typer.Option(help="JSON file with a RecommendRequest; {} scores rows.")],
    to: Annotated[Path, typer.Option(help="Parquet file to write.")],
    items: Annotated[Path | None, typer.Option(help="JSON file with fields of items, which count in the place of the bundle's.")] = None,
    rows: Annotated[int, typer.Option(help="Rows of the data, for progress.")] = 0,
    data_sha256: Annotated[str | None, typer.Option("--data-sha256", help="Digest that the data's files must have.")] = None,
) -> None:
    """Answer every row of a data set and write the answers beside its columns."""
    report = ChildReport()
    try:
        config = DataConfig.model_validate_json(data.read_bytes())
        with all_held_still(config.paths):
            _check_digest(config, data_sha256)
            found = _answer(config, (bundle, request, to, items), _Told(report, rows))
        report(Progress(stage=STAGE, message=f"{found:,} rows are answered.", fraction=1.0, outcome="succeeded"))
    except RequestError as error:
        raise typer.Exit(report.fail(DataError(str(error)))) from error
    except Exception as error:
        raise typer.Exit(report.fail(error)) from error


class _Told:
    """Reports progress now and then."""

    def __init__(self, report: ChildReport, total: int) -> None:
        self._report, self._total, self._began, self._last = report, total, time.monotonic(), 0.0

    def __call__(self, rows: int) -> None:
        elapsed = time.monotonic() - self._began
        if elapsed - self._last < EVERY_S:
            return
        self._last = elapsed
        fraction = min(rows / self._total, 1.0) if self._total else 0.0
        eta_s = elapsed * (1.0 - fraction) / fraction if fraction else None
        self._report(Progress(stage=STAGE, message=f"{rows:,} rows are answered.", fraction=fraction, eta_s=eta_s))


def _answer(config: DataConfig, files: tuple[Path, Path, Path, Path | None], told: _Told) -> int:
    import msgspec

    from ihas.data.reading import options_of
    from ihas.serving.answers import RecommendRequest
    from ihas.serving.loading import load_recommender
    from ihas_pipelines.batch.answering import recommending, scoring
    from ihas_pipelines.batch.tables import answer_files

    bundle, request, to, items = files
    recommender = load_recommender(bundle)
    if items is not None and recommender.item_updates is not None:
        recommender.item_updates.describe(msgspec.json.decode(items.read_bytes()), None)
    asked = msgspec.json.decode(request.read_bytes())
    wanted = msgspec.convert(asked, RecommendRequest) if asked else None
    answering = scoring(recommender) if wanted is None else recommending(recommender, wanted)
    return answer_files(config.paths, options_of(config), answering, to, told)


def _check_digest(config: DataConfig, digest: str | None) -> None:
    if digest is not None and (found := files_digest(config.paths)) != digest:
        raise DataError(f"The rows must be those that were checked, of SHA-256 {digest}, but they have {found}. Make a data set of them.")
