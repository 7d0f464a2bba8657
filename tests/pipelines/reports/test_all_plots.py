"""Plots show the numbers of the result, sorted and coloured as their captions say."""

import pytest
from plotly.graph_objects import Figure

from ihas.errors import RequestError
from ihas.results.run_result import GroupCountResult, Interval, RunResult
from ihas_pipelines.reports.all_plots import PLOTS, draw
from ihas_pipelines.reports.captions import CAPTIONS, against_base, diversity, headline, listed
from ihas_pipelines.reports.drawing import BETTER, UNCLEAR, WORSE, label, outcome
from ihas_pipelines.reports.group_plots import fields_by_kept
from ihas_pipelines.reports.variant_plots import compared, pareto_frontier
from tests.pipelines.result_factory import VARIANTS, click_metrics, run_result


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("num_groups", [1, 3])
def test_every_figure_is_drawn_and_has_a_caption(name: str, num_groups: int) -> None:
    """Each name gives a plot with data, a title and a caption, for one group and for several."""
    result = run_result(num_groups)
    figure = draw(name, result)
    assert isinstance(figure, Figure)
    assert len(figure.data) > 0
    assert figure.layout.title.text
    caption = CAPTIONS[name](result)
    assert caption.read.endswith(".")
    assert caption.here.endswith(".")


def test_captions_and_figures_cover_the_same_names() -> None:
    """No plot goes without a caption and no caption without a plot."""
    assert set(PLOTS) == set(CAPTIONS)


def test_unknown_figure_names_the_known_ones() -> None:
    """An unknown name is refused with the list of names."""
    with pytest.raises(RequestError, match="auc, pareto, gates"):
        draw("pie", run_result())


def test_a_bare_result_is_drawn() -> None:
    """A run with the base alone, no points, no history and no comparison of group counts still draws and explains."""
    result = run_result(1, variants=VARIANTS[:1], chosen="base", points=(), history=(), group_counts=())
    assert all(isinstance(draw(name, result), Figure) for name in PLOTS)
    assert "nothing to compare" in CAPTIONS["auc"](result).here


def test_agreement_of_sums_is_told() -> None:
    """The caption of the group counts says how often sums and K-means agree and what assigns the rows; both have lines of their own."""
    counts = [
        GroupCountResult(num_groups=3, log_loss=loss, smallest_share=0.2, router=router, agreement=0.914)
        for router, loss in (("centroids", 0.57), ("additive", 0.56))
    ]
    for grouped_by, words in (("additive", "assign the rows in its place"), ("centroids", "were no better")):
        result = run_result(group_counts=tuple(counts), grouped_by=grouped_by, router_agreement=0.914)
        assert f"say the same group for 91.4% of the validation rows and {words}." in CAPTIONS["counts"](result).here
    names = [trace.name for trace in draw("counts", run_result(group_counts=tuple(counts))).data if trace.type == "scatter"]
    assert len(names) == 2
    assert names[1] == f"{names[0]}, by sums"


def test_one_label_leaves_no_auc_to_draw() -> None:
    """Variants without an AUC are left out of the plot of cost instead of breaking it."""
    silent = tuple(v.model_copy(update={"test": click_metrics(3, None), "gain": None}) for v in VARIANTS)
    assert isinstance(draw("pareto", run_result(variants=silent)), Figure)
    assert "No candidate" in CAPTIONS["pareto"](run_result(variants=silent)).here


@pytest.mark.parametrize(
    ("low", "difference", "high", "word"),
    [(0.001, 0.002, 0.003, "better"), (-0.003, -0.002, -0.001, "worse"), (-0.001, 0.002, 0.004, "unclear"), (0.0, 0.1, 0.2, "unclear")],
)
def test_outcome_follows_the_interval(low: float, difference: float, high: float, word: str) -> None:
    """Only an interval that excludes zero is called better or worse."""
    assert outcome(Interval(difference=difference, low=low, high=high)) == word


def test_losses_have_a_colour_of_their_own() -> None:
    """The plot of gains paints wins, losses and ties in three colours, best variant first."""
    result = run_result()
    figure = draw("auc", result)
    colours = [trace.marker.color for trace in figure.data]
    assert colours == [BETTER, BETTER, UNCLEAR, UNCLEAR, WORSE, WORSE]
    assert [variant.name for variant in compared(result)][0] == "grouped"
    assert "worse: K-means on z and random groups" in CAPTIONS["auc"](result).here


def test_without_controls_the_reason_is_left_open() -> None:
    """Where groups were chosen and no control was trained, the caption says what would tell whether the grouping is the reason."""
    result = run_result().model_copy(update={"chosen": "grouped"})
    alone = result.model_copy(update={"variants": tuple(one for one in result.variants if one.role != "control")})
    asked = "`learning.evaluate.controls = true`"
    assert asked in CAPTIONS["auc"](alone).here
    assert asked not in CAPTIONS["auc"](result).here


def test_each_group_has_its_gain() -> None:
    """One mark per group in the colour of its outcome, in the groups' order; the caption names them."""
    result = run_result()
    marks = draw("gains", result).data
    assert [round(mark.x[0], 3) for mark in marks] == [0.004, -0.003, 0.018]
    assert [mark.marker.color for mark in marks] == [BETTER, WORSE, UNCLEAR]
    assert CAPTIONS["gains"](result).here == "Better than the base: group 0; worse: group 1; not told apart: group 2."


def test_groups_served_by_the_base_have_its_figures() -> None:
    """Where a group's metrics are the base's own, no difference is told; elsewhere it is, with its interval."""
    group = run_result().groups[0]
    assert against_base(group) == "0.7520 against the base's 0.7480 (+0.0040 [+0.0010, +0.0070])"
    assert against_base(group.model_copy(update={"test": group.base_test, "gain": None})) == "0.7480, the base's"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [("base", "The base serves every group."), ("static", "No group has an interval: too few test rows of a label, or an old run.")],
)
def test_groups_without_a_gain_say_why(chosen: str, words: str) -> None:
    """Where no group has a gain, the axis is empty and the caption tells which of the two reasons holds."""
    result = run_result(chosen=chosen)
    bare = result.model_copy(update={"groups": tuple(group.model_copy(update={"gain": None}) for group in result.groups)})
    assert not draw("gains", bare).data
    assert CAPTIONS["gains"](bare).here == words


def _small() -> RunResult:
    gates = (((0.9, 0.1), (0.2, 0.3), (0.6, 0.7)), ((0.4, 0.8), (0.1, 0.2), (0.9, 0.9)))
    kept = ((1, 0, 2), (1, 0, 2))
    result = run_result(2, fields=("a", "b", "c"))
    changed = [
        group.model_copy(
            update={
                "mean_gates": gates[group.group],
                "mask": tuple(tuple(gate >= 0.5 for gate in field) for field in gates[group.group]),
                "kept_dims": kept[group.group],
                "threshold": 0.5,
            }
        )
        for group in result.groups
    ]
    return result.model_copy(update={"groups": tuple(changed), "dim": 2})


def test_fields_are_sorted_by_kept_dimensions() -> None:
    """Field c keeps 4 dimensions over both groups, a 2, b none."""
    assert fields_by_kept(_small()) == [2, 0, 1]


def test_gates_panel_shows_sorted_rows_and_dots() -> None:
    """The heat-map of group 0 has field c on top, and a dot exactly where the mask keeps a dimension."""
    heat = draw("gates", _small()).data[0]
    assert [list(row) for row in heat.z] == [[0.6, 0.7], [0.9, 0.1], [0.2, 0.3]]
    assert [list(row) for row in heat.text] == [["●", "●"], ["●", ""], ["", ""]]


def test_unused_field_is_named() -> None:
    """A field that no group keeps is said to be unused, where the groups differ somewhere."""
    result = _small()
    groups = (result.groups[0].model_copy(update={"kept_dims": (2, 0, 2)}), result.groups[1])
    assert (
        "differ most in a: 2 in group 0 and 1 in group 1. No group uses b."
        in CAPTIONS["kept"](result.model_copy(update={"groups": groups})).here
    )


def test_pareto_front_holds_candidates_that_nothing_beats() -> None:
    """`grouped` is smaller and better than every other candidate; without it, static, then supernet are on the front."""
    result = run_result()
    assert [variant.name for variant in pareto_frontier(result)] == ["grouped"]
    rest = tuple(variant for variant in VARIANTS if variant.name != "grouped")
    assert [variant.name for variant in pareto_frontier(run_result(variants=rest))] == ["static", "supernet"]


def test_text_from_data_loses_its_markup() -> None:
    """Labels are cut to length first and escaped after, so that no half entity is left."""
    assert label("<b>bold</b>") == "&lt;b&gt;bold&lt;/b&gt;"
    assert label("&" * 30, 5) == "&amp;" * 4 + "…"


def test_diversity_is_told_in_words() -> None:
    """No mutual information means that gates hardly differ; 0.21 of ln 2 means strongly."""
    result = run_result()
    same = result.diversity.model_copy(update={"mutual_information": 0.0, "distinct_masks": 1})
    assert "differ strongly" in diversity(result)
    assert "1,102 different patterns" in diversity(result)
    assert "hardly differ between rows: 1,268 validation rows have one and the same pattern" in diversity(
        result.model_copy(update={"diversity": same})
    )


def test_lists_read_as_english() -> None:
    """Nothing, one, two and three words are joined as a person would."""
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["none", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [("base", "The plain model is served"), ("grouped", "ranks clicks better"), ("K-means on z", "worse"), ("static", "cannot tell")],
)
def test_headline_says_what_the_interval_says(chosen: str, words: str) -> None:
    """The page's first sentence claims no more than the test rows show."""
    assert words in headline(run_result(chosen=chosen))


def test_a_control_as_good_as_the_choice_is_named() -> None:
    """Where a control reaches the chosen variant, the caption says so; where none does, it is silent."""
    assert "K-means on e did no worse than the chosen static" in CAPTIONS["auc"](run_result(chosen="static")).here
    assert "did no worse" not in CAPTIONS["auc"](run_result(chosen="grouped")).here
