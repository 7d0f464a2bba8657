"""Clustering on data whose right groups are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ihas.config.cluster import ClusterConfig
from ihas.config.learning import LearningConfig
from ihas.errors import ConfigError
from ihas.results.run_result import GroupCountResult
from ihas.routing.router import Router, embed
from ihas.stages.cluster.assignment import check_numbers
from ihas.stages.cluster.stage import Candidate, choose_number, cluster_instances, form_groups, next_number, random_groups
from ihas.stages.cluster.thresholds import Scorer
from ihas.training import parallel
from tests.oracle import solved_tribes

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("num_tribes", [2, *(pytest.param(number, marks=pytest.mark.slow) for number in (3, 5))])
def test_the_groups_are_the_tribes(num_tribes):
    """Unseen rows are grouped by the taste that decides their label, and so many groups are chosen as there are tribes."""
    solved = solved_tribes(num_tribes)

    assert solved.grouping.num_groups == num_tribes
    assert adjusted_rand_score(solved.oracle.tribe[2], solved.grouping.groups.test) > 0.95


def test_each_group_keeps_its_own_taste_only():
    """A group's mask holds every dimension of its taste and none of the other's."""
    solved = solved_tribes(2)
    names, kept = solved.oracle.layout.names, solved.grouping.masks.sum(axis=2)

    tastes = kept[:, [names.index("taste_0"), names.index("taste_1")]]
    assert sorted(tastes.tolist()) == [[0, 4], [4, 0]]


@pytest.mark.parametrize("num_tribes", [2, 3, pytest.param(5, marks=pytest.mark.slow)])
def test_sums_assign_every_row(num_tribes):
    """The sums that are served agree with K-means and give every row of every part the group that it was trained in."""
    solved = solved_tribes(num_tribes)
    parts, grouping = solved.oracle.parts, solved.grouping

    assert grouping.agreement > 0.99
    for rows, group in ((parts.train, grouping.groups.train), (parts.valid, grouping.groups.valid), (parts.test, grouping.groups.test)):
        np.testing.assert_array_equal(grouping.sums.route(rows.ids).group, group)


def test_masks_are_formed_of_the_rows_that_the_sums_assign():
    """Mean gates are those of each group's training rows, by the sums."""
    solved = solved_tribes(3)
    rows, group = solved.oracle.parts.train, solved.grouping.groups.train
    opened = solved.found.gates.open(embed(rows.ids, solved.clustering.table, rows.layout))
    means = np.stack([opened[group == number].mean(axis=0) for number in range(3)])

    np.testing.assert_allclose(solved.grouping.mean_gates.reshape(3, -1), means, atol=1e-6)


def with_router(router):
    """The clustering of two tribes with this setting, for two groups on e*z, which ids do not add up to."""
    solved = solved_tribes(2)
    cluster = ClusterConfig(router=router, num_groups=(2,), on=("masked",), thresholds=(0.5,))
    return replace(solved.clustering, config=solved.config.model_copy(update={"cluster": cluster}))


@pytest.mark.parametrize(
    ("router", "tried"), [("centroids", ["centroids"]), ("additive", ["additive"]), ("auto", ["centroids", "additive"])]
)
def test_validation_decides_where_sums_do_not_agree(router, tried):
    """Sums that agree with K-means on too few rows compete with it, unless one of the two is asked for; the better one is kept."""
    clustering = with_router(router)
    grouping = cluster_instances(clustering)

    assert [one.router for one in grouping.tried] == tried
    assert all(one.agreement is None if router == "centroids" else one.agreement < 0.95 for one in grouping.tried)
    best = min(grouping.tried, key=lambda one: one.log_loss)
    assert (grouping.sums is not None) == (best.router == "additive")


def test_serving_routes_rows_as_the_stage_grouped_them():
    """Without sums, the nearest centroid gives every test row the group that the clustering stage gave it."""
    clustering = with_router("centroids")
    grouping = cluster_instances(clustering)
    router = Router(clustering.parts.train.layout, clustering.table, clustering.gates, grouping.centroids, grouping.on)

    np.testing.assert_array_equal(router.route(clustering.parts.test.ids).group, grouping.groups.test)


@pytest.mark.parametrize("on", ["masked", "openness", "values"])
def test_the_same_seed_gives_the_same_groups_to_the_bit(on):
    """Clustering again repeats centroids, sums and groups."""
    solved = solved_tribes(2)
    cluster = ClusterConfig(on=(on,), num_groups=(2,), router="additive", thresholds=(0.5,))
    clustering = replace(solved.clustering, config=solved.config.model_copy(update={"cluster": cluster}))

    first, again = cluster_instances(clustering), cluster_instances(clustering)

    assert first.on == on
    np.testing.assert_array_equal(first.centroids, again.centroids)
    np.testing.assert_array_equal(first.sums.weights, again.sums.weights)
    np.testing.assert_array_equal(first.groups.train, again.groups.train)


@pytest.mark.slow
def test_groupings_tried_beside_each_other_are_judged_as_one_after_another(monkeypatch):
    """Log-losses of all that was tried, the choice and its masks are equal to the bit."""
    solved, found = solved_tribes(2), []
    for at_once in (3, 1):
        monkeypatch.setattr(parallel, "num_threads", lambda at_once=at_once: at_once)
        found.append(cluster_instances(solved.clustering))

    beside, after = found
    assert beside.tried == after.tried
    assert len(after.tried) == 8  # sums that do not agree compete with K-means; two tribes have no three groups of values
    assert len({result.log_loss for result in after.tried}) == 7  # the values make the groups that openness makes
    np.testing.assert_array_equal(beside.masks, after.masks)
    np.testing.assert_array_equal(beside.groups.test, after.groups.test)


def test_random_groups_have_equal_sizes_and_know_nothing_of_the_tribes():
    """The control's groups differ by one row at most and are independent of the tribes."""
    solved = solved_tribes(2)

    control = random_groups(solved.clustering, 2, Scorer(solved.oracle.parts, solved.found.weights, solved.config))

    assert np.ptp(np.bincount(control.groups.test)) <= 1
    assert abs(adjusted_rand_score(solved.oracle.tribe[2], control.groups.test)) < 0.01


def test_one_group_is_a_static_search():
    """With one group every row has it, and its mask keeps both tastes, each open in half of the rows."""
    solved = solved_tribes(2)

    (static,) = form_groups(solved.clustering, [(1, "masked")], Scorer(solved.oracle.parts, solved.found.weights, solved.config))

    assert static.masks.shape[0] == 1
    assert not static.groups.test.any()
    np.testing.assert_allclose(static.mean_gates[0, 1:3].mean(axis=1), 0.5, atol=0.05)


def _tried(*shares: float) -> list[GroupCountResult]:
    return [GroupCountResult(num_groups=2 + i, log_loss=0.0, smallest_share=share) for i, share in enumerate(shares)]


def test_the_smallest_number_within_noise_of_the_best_is_chosen():
    """Three groups lose less than two, but by less than two standard errors: two are kept; five are clearly better: five are."""
    rng = np.random.default_rng(0)
    two = rng.normal(0.50, 0.1, 1000)
    three, five = two - 0.001 + rng.normal(0, 0.1, 1000), two - 0.05

    assert choose_number([two, three], _tried(0.5, 0.3), ClusterConfig()) == 0
    assert choose_number([two, three, five], _tried(0.5, 0.3, 0.2), ClusterConfig()) == 2


def test_of_one_number_the_better_grouping_is_chosen():
    """Two groupings of two groups, both within noise of three groups: the one of lower loss is kept, wherever it stands."""
    noise = np.tile([0.1, -0.1], 500)
    three, better, worse = np.full(1000, 0.5), 0.501 + noise, 0.502 + noise
    alike = [GroupCountResult(num_groups=number, log_loss=0.0, smallest_share=0.3) for number in (2, 2, 3)]

    assert choose_number([worse, better, three], alike, ClusterConfig()) == 1
    assert choose_number([better, worse, three], alike, ClusterConfig()) == 0
    assert choose_number([better + 1e-9, better, three], alike, ClusterConfig()) == 0


def test_a_number_with_too_small_a_group_is_not_chosen():
    """The best number is passed over when its smallest group holds less than the least share."""
    two, three = np.full(100, 0.5), np.full(100, 0.1)

    assert choose_number([two, three], _tried(0.4, 0.01), ClusterConfig()) == 0
    assert choose_number([two, three], _tried(0.02, 0.01), ClusterConfig()) is None


def _tried_numbers(solved, *numbers, best):
    """So many groups each, of which one number fits far better than all others."""
    losses = {number: np.full(100, 0.1 if number == best else 0.5) for number in numbers}
    results = [GroupCountResult(num_groups=number, on="mask", log_loss=0.0, smallest_share=0.05) for number in numbers]
    return [Candidate(solved.grouping, losses[result.num_groups], result) for result in results]


@pytest.mark.parametrize(
    ("numbers", "best", "most", "following"),
    [((2, 3, 4), 4, 16, 5), ((2, 3, 4, 5), 5, 6, 6), ((2, 3, 4), 3, 16, None), ((2, 3, 4), 4, 4, None), ((), 0, 1, None)],
)
def test_one_more_group_is_tried_for_as_long_as_the_most_is_chosen(numbers, best, most, following):
    """Where fewer groups are chosen, the most is reached or nothing could be tried, no other number is."""
    assert next_number(_tried_numbers(solved_tribes(2), *numbers, best=best), ClusterConfig(), most) == following


@pytest.mark.parametrize(("most", "numbers"), [(1, []), (2, [2]), (3, [2, 3])])
def test_no_more_groups_are_tried_than_allowed(most, numbers):
    """Three tribes want three groups; with a lower bound fewer are tried, and with one nothing is and all rows are one group."""
    clustering = solved_tribes(3).clustering
    config = clustering.config.model_copy(update={"cluster": ClusterConfig(on=("openness",))})
    grouping = cluster_instances(replace(clustering, config=config), most)

    assert [result.num_groups for result in grouping.tried] == numbers
    assert grouping.num_groups == max(numbers, default=1)


def test_stated_numbers_alone_are_tried():
    """With numbers stated, no other is tried, though the most of them is chosen."""
    solved = solved_tribes(2)
    config = solved.config.model_copy(update={"cluster": ClusterConfig(num_groups=(2,), on=("mask",))})

    assert [result.num_groups for result in cluster_instances(replace(solved.clustering, config=config)).tried] == [2]


def test_gates_that_are_the_same_for_all_rows_make_one_group():
    """A collapsed search does not fail the run: where z has one value, no number of groups is possible and one group is kept."""
    solved = solved_tribes(2)
    gates = replace(solved.found.gates, kernels=(np.zeros_like(solved.found.gates.kernels[0]),))
    config = solved.config.model_copy(update={"cluster": ClusterConfig(num_groups=(2,), on=("mask",))})

    grouping = cluster_instances(replace(solved.clustering, gates=gates, config=config))

    assert grouping.num_groups == 1
    assert [result.num_groups for result in grouping.tried] == [2]
    assert grouping.tried[0].smallest_share == 0.0


def test_more_groups_than_rows_is_an_error():
    """The error shows both numbers and the setting to lower."""
    config = LearningConfig(cluster=ClusterConfig(num_groups=(2, 20_001)))
    with pytest.raises(ConfigError, match=r"\(20001, 20000\).*cluster\.num_groups"):
        check_numbers(config, 20_000)
    check_numbers(LearningConfig(), 1)
