"""A whole run on real data: what it leaves, what it says, and that killing it changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.config.backbone import BackboneConfig
from ihas.config.budget import BudgetConfig
from ihas.results.run_result import RunResult
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas.stages.retrieve.stage import within_side
from ihas_pipelines.runs.assemble import make_bundle
from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.latency import memory_bytes
from ihas_pipelines.runs.points import point_bundle
from ihas_pipelines.runs.run import run_recipe, run_until
from ihas_pipelines.runs.stages import Run, run_reporter
from ihas_pipelines.runs.trained import Trained
from ihas_pipelines.runs.variants import train_variants
from tests.clock import HANG_S
from tests.pipelines.small_run import arrays, finish, kill_in, small_recipe, start, without_times

pytestmark = pytest.mark.tf

STAGES = ("reading", "base", "distil", "search", "cluster", "retrain", "evaluate")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    """A run folder after a run that nobody disturbed, and the run's lines."""
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(small_recipe(), folder)
    lines = finish(process)
    assert process.returncode == 0, (folder / "log.txt").read_text()[-2000:]
    return folder, lines


def test_a_run_goes_through_its_stages_in_order_and_never_back(undisturbed):
    """Stages appear in the order of the method, the fraction only grows, and the last line says success."""
    _, lines = undisturbed
    fractions = [line["fraction"] for line in lines]

    assert list(dict.fromkeys(line["stage"] for line in lines)) == list(STAGES)
    assert fractions == sorted(fractions)
    assert [line["outcome"] for line in lines[-2:]] == ["running", "succeeded"]
    assert fractions[-1] == 1.0


def test_the_result_is_honest_about_the_choice(undisturbed):
    """The base serves unless validation rows show that it is beaten, and groups add up to the test rows."""
    folder, _ = undisturbed
    result = RunResult.model_validate_json((folder / "result.json").read_bytes())
    candidates = [variant for variant in result.variants if variant.role == "candidate"]

    assert [variant.name for variant in candidates] == [
        *("base", "members", "pruned x1 of 24-12", "pruned x2", "distilled", "static", "supernet", "grouped"),
        *("members x1 of 24-12", "members x2", "members x4", "teacher"),
    ]
    chosen = next(variant for variant in candidates if variant.name == result.chosen)
    assert chosen.name == "base" or chosen.valid.auc > candidates[0].valid.auc
    assert sum(group.test.rows for group in result.groups) == result.rows["test"] == 1268
    assert sum(group.share for group in result.groups) == pytest.approx(1.0)
    assert result.seconds.keys() >= {"data", "base", "distil", "search", "cluster", "retrain"}


def test_a_run_ends_with_a_frontier_of_bundles(undisturbed):
    """Points are candidates, cheapest first, the chosen one among them; each is a bundle that reproduces its golden rows and says that it
    is the one chosen; the served bundle is one of them, and files that they share are one on disk."""
    folder, _ = undisturbed
    result = RunResult.model_validate_json((folder / "result.json").read_bytes())
    names = [point.name for point in result.frontier]

    assert result.chosen in names
    assert [point.multiply_adds for point in result.frontier] == sorted(point.multiply_adds for point in result.frontier)
    assert all(point.memory_bytes > 0 and point.candidates == 500 for point in result.frontier)
    for name in names:
        recommender = load_recommender(point_bundle(folder, name))
        assert (recommender.summary["chosen"], recommender.degraded) == (name, {})
        assert [point["name"] for point in recommender.summary["frontier"]] == names
    own, served = point_bundle(folder, result.chosen), folder / "bundle"
    assert (own / "manifest.json").read_bytes() == (served / "manifest.json").read_bytes()
    assert (own / "items.json").samefile(served / "items.json")


def test_what_costs_more_can_be_served(undisturbed, tmp_path):
    """A candidate with a wider embedding than the plain model's, or with groups, becomes a bundle that reproduces its golden rows."""
    run = Run(small_recipe(), RunFolder(undisturbed[0]), run_reporter(lambda _: None))
    run_until(run, "retrieve")
    outputs = (run.data, run.base, run.members, run.larger, run.distilled, run.parts, run.found, run.grouping, run.retrained)
    trained = Trained(*outputs, run.plain, run.learning, run.taught, run.retrieval, pruned=run.pruned)
    variants = {one.name: one for one in train_variants(run.folder, run.keys[-1], trained, run.reporter)}
    assert [one.mask.all() for one in run.pruned] == [False] * len(run.pruned)
    for name in ("members x2", "teacher", "grouped", "pruned x2"):
        folder = tmp_path / name
        write_bundle(make_bundle(run.recipe, trained, variants[name], variants["base"]), folder)

        assert load_recommender(folder).degraded == {}
        assert memory_bytes(read_bundle(folder)) > 4 * variants[name].cost.parameters_per_path


def test_later_stages_follow_their_own_recipe_on_a_folder_of_another(undisturbed, monkeypatch):
    """Members of an earlier recipe that are kept give sizes and weights; how long the search and the groups train is the recipe's own."""
    monkeypatch.setattr(Run, "members_are_better", True)
    recipe = small_recipe()
    search = recipe.learning.search.model_copy(update={"epochs": 7})
    learning = recipe.learning.model_copy(update={"search": search})
    run = Run(recipe.model_copy(update={"learning": learning}), RunFolder(undisturbed[0]), run_reporter(lambda _: None))
    run_until(run, "members")

    assert run.learning.search.epochs == 7
    assert run.learning.backbone.members == run.members.split.config.backbone.members > 1


def test_the_bundle_answers_for_known_and_unknown_people(undisturbed):
    """The bundle loads without TensorFlow's part in it and ranks all five coupons, also in a context never seen."""
    recommender = load_recommender(undisturbed[0] / "bundle")
    for age in ("21", "a hundred"):
        answer = recommender.recommend(RecommendRequest(context={"Age": age, "Weather": "Sunny"}, k=5))
        scores = [item.score for item in answer.items]
        assert len(answer.items) == 5
        assert scores == sorted(scores, reverse=True)


def test_the_bundle_retrieves(undisturbed):
    """Asked for retrieval, one was learnt and travels: of five coupons the two are scored whose vectors are nearest the context's, by the
    arrays in the bundle, and the figures are of five coupons."""
    folder, _ = undisturbed
    figures = RunResult.model_validate_json((folder / "result.json").read_bytes()).retrieval
    recommender = load_recommender(folder / "bundle")
    context = {"Weather": "Sunny"}
    answer = recommender.recommend(RecommendRequest(context=context, k=2, retrieve=2))
    encoder, learnt, items = recommender.bundle.encoder, recommender.bundle.retrieval, recommender.bundle.items
    ids = encoder.encode_rows([context], encoder.names_of("context"))
    products = learnt.query.vectors(within_side(encoder, ids, "context"))[0] @ learnt.items.T
    nearest = [items.names[place] for place in np.argsort(-products)[:2]]

    assert (answer.retrieved.items, answer.retrieved.of_items, answer.num_scored) == (2, 5, 2)
    assert {item.id for item in answer.items} == set(nearest)
    assert (figures.items, figures.best, figures.retrieved) == (5, 5, (5,))


@pytest.mark.slow
def test_a_finished_run_started_again_computes_nothing_and_says_the_same(undisturbed):
    """The result of a second start on the same folder is the same document, wall times included."""
    folder, _ = undisturbed
    before = (folder / "result.json").read_bytes()

    process = start(small_recipe(), folder)
    lines = finish(process)

    assert process.returncode == 0
    assert not [line for line in lines if ": epoch " in line["message"]]
    assert (folder / "result.json").read_bytes() == before


def _assert_same_run(folder: Path, undisturbed: Path) -> None:
    for stage in ("base", "search", "cluster", "retrain"):
        left, right = arrays(folder, stage), arrays(undisturbed, stage)
        assert left.keys() == right.keys()
        for name, value in left.items():
            np.testing.assert_array_equal(value, right[name])
    assert without_times(folder / "result.json") == without_times(undisturbed / "result.json")


@pytest.mark.slow
def test_a_run_killed_during_the_search_ends_as_an_undisturbed_one(undisturbed, tmp_path):
    """SIGKILL while searching, then a second start: gates, groups and metrics are equal to the bit."""
    kill_in(start(small_recipe(), tmp_path), "search")

    assert start_again(tmp_path) == 0
    _assert_same_run(tmp_path, undisturbed[0])


@pytest.mark.slow
def test_a_run_killed_in_every_stage_ends_as_an_undisturbed_one(undisturbed, tmp_path):
    """SIGKILL in each stage in turn, then a last start: gates, groups and metrics are equal to the bit."""
    for stage in STAGES:
        kill_in(start(small_recipe(), tmp_path), stage)

    assert start_again(tmp_path) == 0
    _assert_same_run(tmp_path, undisturbed[0])


def start_again(folder: Path) -> int:
    """Exit status of the run that is left alone."""
    process = start(small_recipe(), folder)
    finish(process)
    return process.returncode


def test_a_run_stops_when_its_parent_is_gone(tmp_path):
    """Closing the child's standard input ends it as an interrupted one."""
    process = start(small_recipe(), tmp_path)
    process.stdin.close()

    assert process.wait(timeout=HANG_S) == 130
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"path": "no-such-file.csv"}, 4, "data", "no-such-file.csv"),
        ({"columns": {"label": "Yes"}}, 2, "config", "Yes"),
    ],
)
def test_bad_input_ends_a_run_with_its_reason(tmp_path, change, status, code, words):
    """The last line carries the code and a sentence that names the culprit; the exit code is 4 for data, 2 for settings."""
    recipe = small_recipe()
    data = recipe.data.model_validate(recipe.data.model_dump() | change)

    process = start(recipe.model_copy(update={"data": data}), tmp_path)
    last = finish(process)[-1]

    assert process.returncode == status
    assert last["outcome"] == "failed"
    assert last["error"]["code"] == code
    assert words in last["message"]


def test_the_same_file_as_test_part_or_as_validation_part_is_another_run(tmp_path):
    """The data's key tells which part a file is for: a folder that knows one is not read as the other."""
    import gzip

    with gzip.open(small_recipe().data.path, "rt") as table:
        header, *rows = table.read().splitlines()
    for name, part in (("a.csv", rows[:400]), ("b.csv", rows[400:600])):
        (tmp_path / name).write_text("\n".join([header, *part]) + "\n")
    data = small_recipe().data.model_copy(update={"path": tmp_path / "a.csv"})
    keys = []
    for role in ("valid_path", "test_path"):
        recipe = small_recipe().model_copy(update={"data": data.model_copy(update={role: tmp_path / "b.csv"})})
        run = Run(recipe, RunFolder(tmp_path / "run"), run_reporter(lambda _: None))
        run_until(run, "reading")
        keys.append((len(run.data.parts.valid), len(run.data.parts.test)))

    assert keys == [(200, 40), (40, 200)]


@pytest.mark.slow
def test_logistic_regression_is_searched_field_by_field_and_served(tmp_path):
    """With one dimension a gate is a field's: the run trains every variant, and its bundle recommends."""
    learning = small_recipe().learning
    own = learning.model_copy(update={"backbone": BackboneConfig(kind="lr")}).with_training(embedding_dim=1)
    result = run_recipe(small_recipe().model_copy(update={"learning": own}), tmp_path / "run", lambda _: None)
    base = result.variants[0]

    assert {variant.name for variant in result.variants} >= {"base", "distilled", "static", "supernet", "grouped"}
    assert base.cost.multiply_adds == len(result.fields)
    assert base.test.auc > 0.65
    answer = load_recommender(tmp_path / "run" / "bundle").recommend(RecommendRequest(context={"Weather": "Sunny"}, k=5))
    assert len({item.score for item in answer.items}) == 5


@pytest.mark.slow
def test_a_run_certifies_its_budget_and_draws_its_plots(undisturbed, tmp_path):
    """Every limit of the recipe's budget is in the result, measured and kept; each plot is a file."""
    folder = tmp_path / "run"
    shutil.copytree(undisturbed[0], folder)
    budget = BudgetConfig(wall_s=600.0, parameters=10**7, groups=8, p99_ms=1_000.0)
    finish(start(small_recipe().model_copy(update={"budget": budget}), folder))
    result = orjson.loads((folder / "result.json").read_bytes())
    measured = {one["limit"]: (one["measured"], one["at_most"], one["met"]) for one in result["certificates"]}
    chosen = next(variant for variant in result["variants"] if variant["name"] == result["chosen"])

    assert set(measured) == {"wall_s", "parameters", "groups", "p99_ms"}
    assert measured["parameters"][0] == chosen["cost"]["parameters_total"]
    assert all(met and found <= limit for found, limit, met in measured.values())
    assert {path.stem for path in (folder / "plots").glob("*.json")} > {"auc", "gates", "history", "pareto"}


@pytest.mark.slow
def test_a_run_ends_when_its_time_is_over(tmp_path):
    """Its last line says which limit it was, and it ends with the status of a run that failed."""
    recipe = small_recipe()
    process = start(recipe.model_copy(update={"budget": BudgetConfig(wall_s=0.05)}), tmp_path)
    last = finish(process)[-1]

    assert (process.returncode, last["outcome"], last["error"]["code"]) == (5, "failed", "budget")
    assert "`wall_s <= 0.05` must hold" in last["error"]["detail"]
