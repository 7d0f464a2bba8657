"""A recipe of the kind `overrec`, carried out."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import escape

from ihas.config.data import DataConfig
from ihas.config.overrec import OverRecConfig, OverRecLearning, OverRecRecipe
from ihas.config.run import RunOptions
from ihas.errors import DataError
from ihas.results.run_result import Interval
from ihas.sequential.data.baselines import Popularity
from ihas.sequential.data.ranking import ranking_metrics, ranks
from ihas.sequential.data.reading import read_item_sequences
from ihas.sequential.data.sequences import leave_one_out
from ihas.sequential.overrec.archive import read_overrec
from ihas.sequential.overrec.model import OverRec
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_pipelines.kinds.overrec.choice import Rows, evaluate_settings
from ihas_pipelines.kinds.overrec.run import run_overrec, verdict
from ihas_pipelines.kinds.overrec.values import OverRecResult
from ihas_pipelines.runs.progress import Progress
from tests.pipelines.studies.overrec.walks import NUM_ITEMS, write_lines

pytestmark = pytest.mark.tf

LEARNING = OverRecLearning(
    recommender=OverRecConfig(hide_history=False),
    sigma_w=(0.0, 1.0),
    normalize=(False, True),
    num_neighbours=(2, 20),
    session_neighbours=(5, 20),
)


def _recipe(data: DataConfig, learning: OverRecLearning = LEARNING) -> OverRecRecipe:
    return OverRecRecipe(name="walks", data=data, learning=learning, run=RunOptions(num_threads=1))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[OverRecResult, list[Progress], Path]:
    """A finished run on walks, what it said, and its folder."""
    folder = tmp_path_factory.mktemp("run")
    said: list[Progress] = []
    data = DataConfig(path=write_lines(folder / "walks.txt"), format="sequences")
    return run_overrec(_recipe(data), folder, said.append), said, folder


def test_tries_every_setting_and_takes_the_best(run: tuple[OverRecResult, list[Progress], Path]) -> None:
    """Two deviations, with and without normalisation, two numbers of neighbours; the best NDCG@10 on validation rows is served."""
    result = run[0]
    candidates = {(trial.sigma_w, trial.normalize, trial.num_neighbours): trial.valid.ndcg[10] for trial in result.trials}
    assert len(candidates) == len(result.trials) == 8
    chosen = result.chosen
    assert candidates[chosen.kernel.sigma_w, chosen.kernel.normalize, chosen.num_neighbours] == max(candidates.values())


def test_figures_are_those_of_the_models(run: tuple[OverRecResult, list[Progress], Path]) -> None:
    """Each method's metrics are found again by scoring the test rows with what learnt from the training part alone."""
    result, _, folder = run
    data = read_item_sequences(folder / "walks.txt")
    parts = leave_one_out(data.sequences)
    by_name = {method.name: method for method in result.contenders}
    own = OverRec.of(parts.train, data.num_items, result.chosen)
    assert by_name["overrec"].test == ranking_metrics(ranks(own.scores, parts.test, hide_history=False))
    popular = Popularity(parts.train.counts(data.num_items))
    assert by_name["popularity"].test == ranking_metrics(ranks(popular.scores, parts.test, hide_history=False))
    assert by_name["overrec"].gain is not None
    assert by_name["overrec"].gain.low > 0.2
    assert (result.users, result.items, result.interactions) == (60, NUM_ITEMS, 600)


def test_reports_its_progress(run: tuple[OverRecResult, list[Progress], Path]) -> None:
    """Fractions rise, and the last line says that it succeeded and what came out."""
    fractions = [line.fraction for line in run[1]]
    assert fractions == sorted(fractions)
    assert (run[1][-1].outcome, run[1][-1].message) == ("succeeded", run[0].verdict)


def test_leaves_a_bundle_a_result_and_a_report(run: tuple[OverRecResult, list[Progress], Path]) -> None:
    """The bundle serves with all sequences, the last items too; the metrics are on file, and the page tells them."""
    result, _, folder = run
    assert OverRecResult.model_validate_json((folder / "result.json").read_text()) == result
    bundle = read_overrec(folder / "bundle")
    assert len(bundle.data.sequences.items) == 600
    found = load_recommender(folder / "bundle").recommend(RecommendRequest({"history": ["i4", "i5", "i6"]}, k=3))
    assert "i7" in [item.id for item in found.items]
    page = (folder / "report.html").read_text()
    assert escape(result.verdict) in page
    assert "sknn" in page


def test_krr_has_no_neighbours_to_try(tmp_path: Path) -> None:
    """Under kernel ridge regression a setting is a kernel, and average pooling may be had."""
    data = read_item_sequences(write_lines(tmp_path / "walks.txt"))
    recommender = OverRecConfig.model_validate({"score": "krr", "krr_rows": 200, "kernel": {"pooling": "last"}})
    learning = LEARNING.model_copy(update={"recommender": recommender, "sigma_w": (0.5,), "normalize": (True,)})
    candidates = list(evaluate_settings(Rows(leave_one_out(data.sequences), data.num_items, 1), learning, lambda _: None))
    assert [trial.num_neighbours for _, trial in candidates] == [recommender.num_neighbours]
    assert candidates[0][1].valid.ndcg[10] > 0.4


def test_too_short_sequences_are_refused(tmp_path: Path) -> None:
    """Without a user of three items nothing can be tested."""
    (tmp_path / "short.txt").write_text("a x y\nb y\n")
    with pytest.raises(DataError, match="a user with 3 items"):
        run_overrec(_recipe(DataConfig(path=tmp_path / "short.txt", format="sequences")), tmp_path, lambda _: None)


@pytest.mark.parametrize(
    ("low", "difference", "high", "begins", "ends"),
    [
        (0.01, 0.02, 0.03, "The nearest prefixes rank better than SKNN: NDCG@10", "serve this one (`ihas recommend`)."),
        (
            -0.03,
            -0.02,
            -0.01,
            "SKNN ranks better than the nearest prefixes, which are served: NDCG@10",
            "serve this one (`ihas recommend`).",
        ),
        (-0.01, 0.01, 0.03, "These rows do not tell the nearest prefixes, which are served, from SKNN", "from chance; collect more."),
    ],
)
def test_the_verdict_says_who_ranks_better_as_far_as_the_rows_tell(
    low: float, difference: float, high: float, begins: str, ends: str, run: tuple[OverRecResult, list[Progress], Path]
) -> None:
    """By the interval of the paired difference, never by two numbers alone; and what to do next."""
    said = verdict(run[0].contenders, Interval(difference=difference, low=low, high=high))
    assert said.startswith(begins)
    assert f"{difference:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}" in said
    assert said.endswith(ends)


def test_the_difference_to_sknn_is_paired(run: tuple[OverRecResult, list[Progress], Path]) -> None:
    """It is the difference of both methods' NDCG@10 on the test rows, and the verdict of the run tells its interval."""
    _, sknn, own = run[0].contenders
    assert run[0].over_sknn is not None
    assert run[0].over_sknn.difference == pytest.approx(own.test.ndcg[10] - sknn.test.ndcg[10])
    assert run[0].verdict == verdict(run[0].contenders, run[0].over_sknn)
